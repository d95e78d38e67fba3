// Who asks: nobody, or a person who signed in by OAuth's code flow with PKCE; for which purpose, and in which case.
//
// Tokens are kept for this tab alone (sessionStorage), so that a reload does not end a sign-in and closing the tab does.
// A browser that duplicates a tab copies that storage, too. A refresh token is good once, and shown by two tabs it would
// end the sign-in for both; so a tab holds a lock of the sign-in's own, and a copy that does not get it forgets.

import { storageOf } from "./storage.js";

const OF_TAB = storageOf("sessionStorage");
const CLIENT = "graphiql";
const SIGNED_IN = "hub:signed-in";
const BEGUN = "hub:sign-in-begun";
const STATED = "hub:stated";
const EARLY_MS = 30_000;
const LOCK_MS = 2_000;
const CALLBACK = "graphiql/callback";
const VIEWER = "query Viewer { viewer { client person department { name } scopes purposes } }";
const NOBODY = { tokens: null, viewer: null };

export const PROBLEMS = {
  denied: ["您没有同意授权，未登录。", "You did not consent, so you are not signed in."],
  refused: ["登录未成功，请重试。", "Signing in did not succeed; try again."],
  over: ["登录已结束，请重新登录。", "Your sign-in has ended; sign in again."],
  copied: ["此标签页是复制来的，请在此重新登录。", "This tab is a copy of another one; sign in here, too."],
  offline: ["暂时无法连接，请稍后再试。", "The hub cannot be reached; try again in a moment."],
};

/** Whoever asks through this page; a store for React's useSyncExternalStore. */
export class Caller {
  #listeners = new Set();
  #state = { ...NOBODY, problem: null, purpose: "", caseNumber: "", ...read(STATED) };
  #refreshing = null;

  /** `settings` are the hub's own, from graphiql/settings. */
  constructor(settings) {
    this.settings = settings;
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  snapshot = () => this.#state;

  #change(part) {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }

  /** What a request is for: goes with each one, and stays with this tab. */
  state(part) {
    this.#change(part);
    const { purpose, caseNumber } = this.#state;
    keep(STATED, { purpose, caseNumber });
  }

  /** Whether the page stands where the hub's sign-in leads back to. */
  get isAtHome() {
    return new URL("./", location.href).href === `${this.settings.baseUrl}/`;
  }

  /** Go on with what the tab knows, or with what the hub's answer to a sign-in says. Whether it was such an answer. */
  async resume() {
    if (location.pathname.endsWith(`/${CALLBACK}`)) {
      await this.#finish();
      return true;
    }
    const tokens = read(SIGNED_IN);
    if (tokens !== null) {
      if (await lockedFor(tokens.id)) {
        this.#change({ tokens });
        await this.#look();
      } else {
        this.#end("copied");
      }
    }
    return false;
  }

  /** Leave for the hub's pages, to come back signed in. */
  async begin() {
    if (!this.isAtHome) {
      location.assign(`${this.settings.baseUrl}/graphiql`);
      return;
    }
    const verifier = random();
    const begun = { verifier, state: random(), back: location.pathname + location.search };
    keep(BEGUN, begun);
    const asked = {
      response_type: "code",
      client_id: CLIENT,
      redirect_uri: `${this.settings.baseUrl}/${CALLBACK}`,
      state: begun.state,
      code_challenge: await challengeOf(verifier),
      code_challenge_method: "S256",
    };
    location.assign(`${this.settings.baseUrl}/oauth/authorize?${new URLSearchParams(asked)}`);
  }

  async #finish() {
    const answer = new URLSearchParams(location.search);
    const begun = read(BEGUN);
    OF_TAB.removeItem(BEGUN);
    // At once: a code has no place in the history, and addresses on this page are relative to where it stands.
    history.replaceState(null, "", begun?.back ?? "../graphiql");
    if (begun === null || answer.get("state") !== begun.state || answer.get("iss") !== this.settings.baseUrl) {
      this.#forget("refused");
    } else if (!answer.has("code")) {
      this.#forget(answer.get("error") === "access_denied" ? "denied" : "refused");
    } else {
      const form = {
        grant_type: "authorization_code",
        code: answer.get("code"),
        code_verifier: begun.verifier,
        redirect_uri: `${this.settings.baseUrl}/${CALLBACK}`,
      };
      try {
        const given = await post("oauth/token", form);
        if (!given.ok) return this.#forget("refused");
        const tokens = this.#take(await given.json(), random());
        await lockedFor(tokens.id);
        await this.#look();
      } catch {
        this.#forget("offline");
      }
    }
  }

  #take(given, id) {
    const tokens = {
      id,
      access: given.access_token,
      refresh: given.refresh_token,
      until: Date.now() + given.expires_in * 1000,
    };
    keep(SIGNED_IN, tokens);
    this.#change({ tokens, problem: null });
    return tokens;
  }

  #forget(problem) {
    OF_TAB.removeItem(SIGNED_IN);
    this.#change({ ...NOBODY, problem });
  }

  /** Forget also what the person stated: whoever signs in next would read for the same case. */
  #end(problem) {
    this.#forget(problem);
    this.state({ purpose: "", caseNumber: "" });
  }

  /** Ask the hub who this is. */
  async #look() {
    try {
      const answer = await this.fetch({ query: VIEWER, operationName: "Viewer" }, {});
      this.#change({ viewer: answer.data?.viewer ?? null });
      const { purpose, viewer } = this.#state;
      if (viewer !== null && purpose !== "" && !viewer.purposes.includes(purpose)) this.state({ purpose: "" });
    } catch {
      // What went wrong with the sign-in itself stands in `problem`; all the rest the next request will tell.
    }
  }

  /** The hub's answer, whatever its status: errors have GraphQL's form too. */
  async fetch(parameters, headers) {
    const token = isIn(headers, "authorization") ? null : await this.#token();
    let response = await this.#send(parameters, headers, token);
    if (response.status === 401 && token !== null) {
      // It may have been revoked by itself; where the whole sign-in was, there will be no other.
      response = await this.#send(parameters, headers, await this.#refreshed());
    }
    return response.json();
  }

  #send(parameters, headers, token) {
    const { purpose, caseNumber } = this.#state;
    const stated = {};
    if (token !== null) stated.Authorization = `Bearer ${token}`;
    if (purpose !== "" && !isIn(headers, "hub-purpose")) stated["Hub-Purpose"] = purpose;
    if (caseNumber.trim() !== "" && !isIn(headers, "hub-case")) {
      stated["Hub-Case"] = encodeURIComponent(caseNumber.trim());
    }
    return fetch("graphql", {
      method: "POST",
      headers: { ...stated, ...headers, "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(parameters),
      credentials: "omit",
    });
  }

  async #token() {
    const { tokens } = this.#state;
    if (tokens === null) return null;
    return Date.now() < tokens.until - EARLY_MS ? tokens.access : this.#refreshed();
  }

  /** Another access token; requests that want one at the same time get the same. */
  #refreshed() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh() {
    const { id, refresh } = this.#state.tokens;
    let given;
    try {
      given = await post("oauth/token", { grant_type: "refresh_token", refresh_token: refresh });
    } catch {
      throw said("offline");
    }
    if (this.#state.tokens?.id !== id) {
      // Signed out meanwhile: what came too late is given back.
      if (given.ok) await post("oauth/revoke", { token: (await given.json()).refresh_token });
      throw said("over");
    }
    if (given.ok) return this.#take(await given.json(), id).access;
    if (given.status >= 500) throw said("offline");
    this.#end("over");
    throw said("over");
  }

  /** End it: the tokens at the hub, the session on its pages, and what this tab knows. */
  async signOut() {
    const { tokens } = this.#state;
    this.#end(null);
    try {
      await post("oauth/revoke", { token: tokens.refresh, token_type_hint: "refresh_token" });
      await post("oauth/sign-out", {}, "same-origin");
    } catch {
      this.#change({ problem: "offline" });
    }
  }
}

function said(problem) {
  return new Error(PROBLEMS[problem].join(" "));
}

function post(address, form, credentials = "omit") {
  const body = new URLSearchParams(credentials === "omit" ? { client_id: CLIENT, ...form } : form);
  return fetch(address, { method: "POST", body, credentials, keepalive: true });
}

/** Whether this tab alone holds the sign-in; the lock is given back when the page is left. */
async function lockedFor(id) {
  if (navigator.locks === undefined) return true;
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    // A page that is reloaded may still hold it for a moment.
    const signal = AbortSignal.timeout(LOCK_MS);
    navigator.locks.request(`hub:${id}`, { signal }, held).catch(() => resolve(false));
  });
}

function isIn(headers, name) {
  return Object.keys(headers ?? {}).some((each) => each.toLowerCase() === name);
}

function read(name) {
  try {
    return JSON.parse(OF_TAB.getItem(name));
  } catch {
    return null;
  }
}

function keep(name, value) {
  OF_TAB.setItem(name, JSON.stringify(value));
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
