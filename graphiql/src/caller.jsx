// Who asks, for people: a mark beside the hub's name, and a panel to sign in, to state a purpose, and to sign out.

import { useGraphiQLActions } from "@graphiql/react";
import { useId, useSyncExternalStore } from "react";

import { PROBLEMS } from "./caller.js";

const TITLE = "身份 Identity";

function CallerIcon(props) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" {...props}>
      <circle cx="12" cy="8" r="4.25" />
      <path d="M4 20.25c.9-3.9 4-6 8-6s7.1 2.1 8 6" strokeLinejoin="round" />
    </svg>
  );
}

function useCaller(caller) {
  return useSyncExternalStore(caller.subscribe, caller.snapshot);
}

/** A text in both languages. */
function Both({ zh, en }) {
  return (
    <>
      {zh} <span lang="en">{en}</span>
    </>
  );
}

/** What a scope lets one do, in words; those of departments are described behind the slash. */
function Scope({ scope, meanings }) {
  const owned = scope.indexOf("/");
  const [en, zh] = meanings[owned < 0 ? scope : scope.slice(owned)] ?? [];
  return (
    <li>
      <code>{scope}</code>
      {zh && <span>{zh}</span>}
      {en && <span lang="en">{en}</span>}
    </li>
  );
}

function Identity({ viewer }) {
  return (
    <dl>
      <dt>
        <Both zh="用户" en="Person" />
      </dt>
      <dd>{viewer.person ?? viewer.client}</dd>
      <dt>
        <Both zh="部门" en="Department" />
      </dt>
      <dd>{viewer.department?.name ?? "—"}</dd>
    </dl>
  );
}

function Scopes({ scopes, meanings }) {
  const id = useId();
  return (
    <>
      <h3 id={id}>
        <Both zh="权限" en="Scopes" />
      </h3>
      <ul className="hub-scopes" aria-labelledby={id}>
        {scopes.map((scope) => (
          <Scope key={scope} scope={scope} meanings={meanings} />
        ))}
      </ul>
    </>
  );
}

function Stated({ caller, purposes }) {
  const { purpose, caseNumber } = useCaller(caller);
  const id = useId();
  return (
    <fieldset>
      <legend>
        <Both zh="查询目的" en="What the data are for" />
      </legend>
      <label htmlFor={`${id}-purpose`}>
        <Both zh="目的" en="Purpose" /> <code>Hub-Purpose</code>
      </label>
      <select
        id={`${id}-purpose`}
        value={purpose}
        onChange={({ target }) => caller.state({ purpose: target.value })}
      >
        <option value="">未选择 None</option>
        {purposes.map(({ code, chinese, english }) => (
          <option key={code} value={code}>
            {[chinese, english].filter(Boolean).join(" ") || code}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-case`}>
        <Both zh="案号" en="Case" /> <code>Hub-Case</code>
      </label>
      <input
        id={`${id}-case`}
        type="text"
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={caseNumber}
        onChange={({ target }) => caller.state({ caseNumber: target.value })}
      />
      <p>
        非公开信息的查询须说明目的，并记入查询日志。{" "}
        <span lang="en">What is not public needs a purpose, and each reading of it is logged.</span>
      </p>
    </fieldset>
  );
}

function Panel({ caller }) {
  const { settings } = caller;
  const { tokens, viewer, problem } = useCaller(caller);
  const granted = viewer === null ? null : new Set(viewer.purposes);
  const purposes = settings.purposes.filter(({ code }) => granted === null || granted.has(code));
  return (
    <section aria-label={TITLE} className="hub-panel hub-caller">
      <h2>{TITLE}</h2>
      <div role="status">
        {problem !== null && (
          <p className="hub-problem">
            <Both zh={PROBLEMS[problem][0]} en={PROBLEMS[problem][1]} />
          </p>
        )}
      </div>
      {settings.outsideIssuer !== null ? (
        <p>
          此枢纽的令牌由 <code>{settings.outsideIssuer}</code> 签发，请在“Headers”中填写 Authorization。{" "}
          <span lang="en">Tokens for this hub come from there; put yours into “Headers” as Authorization.</span>
        </p>
      ) : tokens === null ? (
        <>
          <p>
            未登录，只能看到公开信息。{" "}
            <span lang="en">You are not signed in, and see what is public.</span>
          </p>
          <button type="button" className="hub-action" onClick={() => caller.begin()}>
            <Both zh="登录" en="Sign in" />
          </button>
          {!caller.isAtHome && (
            <p>
              登录须在 <code>{settings.baseUrl}/graphiql</code> 进行，将转到该页。{" "}
              <span lang="en">Signing in is done there; you will be taken to that page.</span>
            </p>
          )}
        </>
      ) : (
        <>
          {viewer !== null && <Identity viewer={viewer} />}
          <button type="button" className="hub-action" onClick={() => caller.signOut()}>
            <Both zh="退出登录" en="Sign out" />
          </button>
        </>
      )}
      <Stated caller={caller} purposes={purposes} />
      {viewer !== null && <Scopes scopes={viewer.scopes} meanings={settings.meanings} />}
    </section>
  );
}

/** Who asks and for what, always in sight; a click opens the panel. */
export function CallerMark({ caller }) {
  const { setVisiblePlugin } = useGraphiQLActions();
  const { tokens, viewer, purpose } = useCaller(caller);
  const stated = caller.settings.purposes.find(({ code }) => code === purpose);
  const who = tokens === null ? "访客 Anonymous" : [viewer?.person ?? "…", viewer?.department?.name].filter(Boolean).join(" · ");
  return (
    <button type="button" className="hub-mark" title={TITLE} onClick={() => setVisiblePlugin(TITLE)}>
      <CallerIcon aria-hidden="true" />
      <span>{who}</span>
      {purpose !== "" && <span className="hub-mark-purpose">{stated?.chinese || purpose}</span>}
    </button>
  );
}

/** The panel, as GraphiQL wants it. */
export function callerPlugin(caller) {
  return { title: TITLE, icon: CallerIcon, content: () => <Panel caller={caller} /> };
}
