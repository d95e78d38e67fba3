// Composes graphs of subgraphs with one of three composers and answers as JSON.
//
//   node compose.cjs INSTALLED COMPOSER < [[{"name": …, "url": …, "sdl": …}, …], …]
//
// INSTALLED is the folder that `npm ci` filled. The answer is [{"errors": […], "hints": […], "supergraph": "…"}, …]; a
// composer that gives no supergraph as text answers with the names of the composed schema's fields instead.
"use strict";

const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const [installed, composer] = process.argv.slice(2);
const load = createRequire(join(installed, "package.json"));
const { parse, print, printSchema } = load("graphql");

const graphs = JSON.parse(readFileSync(0, "utf8"));

const composers = {
  "@apollo/composition"(subgraphs, { composeServices }) {
    const composed = composeServices(
      subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
    );
    return {
      errors: (composed.errors ?? []).map((error) => error.message),
      hints: (composed.hints ?? []).map((hint) => hint.toString()),
      supergraph: composed.supergraphSdl ?? "",
    };
  },
  "@theguild/federation-composition"(subgraphs, { composeServices }) {
    const composed = composeServices(
      subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
    );
    return {
      errors: (composed.errors ?? []).map((error) => error.message),
      hints: (composed.hints ?? []).map((hint) => hint.message ?? String(hint)),
      supergraph: composed.supergraphSdl ?? "",
    };
  },
  "@wundergraph/composition"(subgraphs, { federateSubgraphs, LATEST_ROUTER_COMPATIBILITY_VERSION }) {
    const composed = federateSubgraphs({
      subgraphs: subgraphs.map(({ name, url, sdl }) => ({ name, url, definitions: parse(sdl) })),
      version: LATEST_ROUTER_COMPATIBILITY_VERSION,
    });
    return {
      errors: composed.success ? [] : composed.errors.map((error) => error.message),
      hints: composed.warnings.map((warning) => warning.message),
      supergraph: composed.success ? print(composed.federatedGraphAST) : "",
    };
  },
};

const loaded = load(composer);
process.stdout.write(JSON.stringify(graphs.map((subgraphs) => composers[composer](subgraphs, loaded))));
