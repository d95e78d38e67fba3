// A panel with the hub's real operations; a click opens one in a tab, ready to run.

import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";

function SamplesIcon(props) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" {...props}>
      <path d="M5 3.75h14a1.25 1.25 0 0 1 1.25 1.25v15.25H5A1.25 1.25 0 0 1 3.75 19V5A1.25 1.25 0 0 1 5 3.75Z" />
      <path d="m7.25 9 1.5 1.5 2.5-3M7.25 15.5l1.5 1.5 2.5-3M13.75 9h3.5M13.75 15.5h3.5" strokeLinecap="round" />
    </svg>
  );
}

function Samples({ samples }) {
  const { addTab, changeTab, setOperationName, updateActiveTabValues } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(pick("tabs", "queryEditor", "variableEditor"));

  function open({ name, query, variables }) {
    const there = tabs.findIndex((tab) => tab.query === query && tab.variables === variables);
    if (there >= 0) {
      changeTab(there);
    } else {
      addTab();
      queryEditor?.setValue(query);
      variableEditor?.setValue(variables);
      // GraphiQL finds these out only after a moment; until then history would keep, and ▶ run, what was here before.
      updateActiveTabValues({ query, variables, headers: "" });
    }
    setOperationName(name);
  }

  return (
    <section aria-label="示例 Samples" className="hub-panel hub-samples">
      <h2>示例 Samples</h2>
      <p>
        点击一项，在标签页中打开，按 ▶ 执行。
        <span lang="en">A click opens one in a tab; ▶ runs it.</span>
      </p>
      <ul>
        {samples.map((sample) => (
          <li key={sample.name}>
            <button type="button" data-sample={sample.name} onClick={() => open(sample)}>
              <strong>{sample.title}</strong>
              <span>{sample.about}</span>
              <span lang="en">{sample.aboutInEnglish}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The panel, as GraphiQL wants it. */
export function samplesPlugin(samples) {
  return { title: "示例 Samples", icon: SamplesIcon, content: () => <Samples samples={samples} /> };
}
