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
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import { useEffect } from "react";
import { createRoot } from "react-dom/client";

import { Caller } from "./caller.js";
import { CallerMark, callerPlugin } from "./caller.jsx";
import { samplesPlugin } from "./samples.jsx";
import { storageOf, withoutHeaders } from "./storage.js";

const KEPT = storageOf("localStorage");

/** What the hub says of itself; the page is of use without it, too. */
async function fetched(address, otherwise) {
  try {
    return await (await fetch(address, { credentials: "omit" })).json();
  } catch {
    return otherwise;
  }
}

/** The tab that was open when the page was left: GraphiQL brings back the tabs, and in its editors only what was typed. */
function leftOpen() {
  try {
    const { tabs, activeTabIndex } = JSON.parse(KEPT.getItem("graphiql:tabState"));
    return tabs[activeTabIndex];
  } catch {
    return undefined;
  }
}

const ROOT = new URL(location.pathname.endsWith("/graphiql/callback") ? "../" : "./", location.href);

// To the editor, the brackets of 示罚字〔2026〕1号 look like others and deserve a warning; here they are meant.
editor.onDidCreateEditor((created) => created.updateOptions({ unicodeHighlight: { ambiguousCharacters: false } }));

const [samples, settings] = await Promise.all([
  fetched(new URL("graphiql/samples", ROOT), []),
  fetched(new URL("graphiql/settings", ROOT), { baseUrl: ROOT.href.slice(0, -1), outsideIssuer: null, purposes: [], meanings: {} }),
]);
const caller = new Caller(settings);
const hasCome = await caller.resume();

async function fetcher(parameters, { headers } = {}) {
  // GraphiQL's history only notices what is still on its way when React has rendered, and the hub is often quicker.
  await new Promise((resume) => setTimeout(resume, 20));
  return caller.fetch(parameters, headers);
}

/** Has the editors become dark or light with the system, as the page does by its styles; GraphiQL asks it only once. */
function WithTheSystem() {
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();
  useEffect(() => {
    if (theme !== null) return undefined;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setTheme(null);
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }, [theme, setTheme]);
  return null;
}

const ofSamples = samplesPlugin(samples);
const ofCaller = callerPlugin(caller);
const plugins = [ofSamples, ofCaller, explorerPlugin(), HISTORY_PLUGIN];
// A link may bring an operation: /graphiql?query=…&variables=… Who comes for the first time finds the first sample.
const asked = new URLSearchParams(location.search);
const opened = asked.has("query") ? Object.fromEntries(asked) : (leftOpen() ?? samples[0]);

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    visiblePlugin={hasCome ? ofCaller : ofSamples}
    storage={withoutHeaders(KEPT)}
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
    initialQuery={opened?.query ?? ""}
    initialVariables={opened?.variables ?? ""}
    defaultQuery=""
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <WithTheSystem />
      <CallerMark caller={caller} />
      <span className="hub-name">信用信息枢纽</span> <span className="hub-name-en">Credit Hub</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
