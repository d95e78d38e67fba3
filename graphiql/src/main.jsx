import "./workers.js";
// Imported here, not only when GraphiQL asks for it: so its styles are in the page's one style sheet.
import { editor } from "monaco-graphql/esm/monaco-editor.js";
import "@graphiql/react/style.css";
import "graphiql/graphiql.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import { samplesPlugin } from "./samples.jsx";
import { withoutHeaders } from "./storage.js";

/** The hub's answer, whatever its status: errors have GraphQL's form too. */
async function fetcher(parameters, { headers } = {}) {
  // GraphiQL's history only notices what is still on its way when React has rendered, and the hub is often quicker.
  await new Promise((resume) => setTimeout(resume, 20));
  const response = await fetch("graphql", {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(parameters),
    credentials: "omit",
  });
  return response.json();
}

/** The hub's real operations; none when they cannot be had, since the page is of use without them. */
async function fetchSamples() {
  try {
    return await (await fetch("graphiql/samples", { credentials: "omit" })).json();
  } catch {
    return [];
  }
}

// To the editor, the brackets of 示罚字〔2026〕1号 look like others and deserve a warning; here they are meant.
editor.onDidCreateEditor((created) => created.updateOptions({ unicodeHighlight: { ambiguousCharacters: false } }));

const samples = await fetchSamples();
const plugin = samplesPlugin(samples);
const plugins = [plugin, explorerPlugin(), HISTORY_PLUGIN];
// A link may bring an operation: /graphiql?query=…&variables=… Who comes for the first time finds the first sample.
const asked = new URLSearchParams(location.search);
const isNew = localStorage.getItem("graphiql:tabState") === null;
const opened = asked.has("query") ? Object.fromEntries(asked) : isNew ? samples[0] : undefined;

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    visiblePlugin={plugin}
    storage={withoutHeaders(localStorage)}
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
    initialQuery={opened?.query}
    initialVariables={opened?.variables}
    defaultQuery=""
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <span className="hub-name">信用信息枢纽</span> <span className="hub-name-en">Credit Hub</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
