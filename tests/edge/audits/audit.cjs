// Runs the public audit of GraphQL over HTTP against a server and answers with its findings as JSON.
//
//   node audit.cjs INSTALLED URL
//
// INSTALLED is the folder that `npm ci` filled. Each finding is {"id", "name", "status", "reason"}; the status is "ok",
// or what its name's word makes of a failure: "error" (MUST), "warn" (SHOULD), "notice" (MAY).
"use strict";

const { createRequire } = require("node:module");
const { join } = require("node:path");

const [installed, url] = process.argv.slice(2);
const { serverAudits } = createRequire(join(installed, "package.json"))("graphql-http");

async function main() {
  const findings = [];
  for (const audit of serverAudits({ url, fetchFn: fetch })) {
    const { status, reason = "" } = await audit.fn();
    findings.push({ id: audit.id, name: audit.name, status, reason });
  }
  process.stdout.write(JSON.stringify(findings));
}

main();
