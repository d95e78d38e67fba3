"""The pages on which people sign in and consent: Chinese first, English too, without a script, for every reader.

Whatever is not a constant goes through `escape`. A page may load one style sheet of ours and send its form to us; the
consent page's form may end at the client's own address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from hub.policy.scopes import meaning

STYLE = """:root { color-scheme: light dark; font: 16px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; }
body { margin: 0; display: grid; place-items: center; min-height: 100vh; background: Canvas; color: CanvasText; }
main { width: min(30rem, calc(100vw - 2rem)); padding: 1.5rem 0; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 .3rem; }
.en { display: block; font-size: .88rem; opacity: .8; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { box-sizing: border-box; width: 100%; font: inherit; padding: .55rem .7rem; border: 1px solid #767676;
  border-radius: .4rem; background: Field; color: FieldText; }
button { font: inherit; font-weight: 600; padding: .6rem 1.4rem; border-radius: .4rem; border: 1px solid #1d4ed8;
  background: #1d4ed8; color: #fff; cursor: pointer; margin: 1.4rem .6rem 0 0; }
button.second { background: transparent; color: inherit; border-color: #767676; }
button.plain { background: transparent; color: inherit; border: 0; padding: .4rem 0; text-decoration: underline; }
button.plain .en { display: inline; }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
.alert { border-inline-start: 4px solid #b91c1c; padding: .5rem .8rem; margin: 1rem 0; background: #b91c1c1a; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; margin: 1rem 0; }
dt { opacity: .8; } dt .en { display: inline; } dd { margin: 0; overflow-wrap: anywhere; }
li { margin: .35rem 0; } code { font-size: .85em; overflow-wrap: anywhere; }
"""


def both(chinese: str, english: str) -> str:
    """A text in both languages."""
    return f'{escape(chinese)} <span class="en" lang="en">{escape(english)}</span>'


def page(title: tuple[str, str], body: str, *, status: int = 200, returns_to: str | None = None) -> HTMLResponse:
    """A page; `returns_to` is the address to which its forms may lead in the end, by way of redirections."""
    leads = "'self'" if returns_to is None else f"'self' {_source(returns_to)}"
    policy = f"default-src 'none'; style-src 'self'; form-action {leads}; base-uri 'none'; frame-ancestors 'none'"
    text = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title[0])} · {escape(title[1])}</title>"
        '<link rel="stylesheet" href="style.css"></head>'
        f"<body><main><h1>{both(*title)}</h1>{body}</main></body></html>"
    )
    guards = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        # Not `no-referrer`: with that, browsers send our own forms with `Origin: null`.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return HTMLResponse(text, status_code=status, headers=guards)


def _source(address: str) -> str:
    """An address's origin as a source of the policy, which knows no IPv6 addresses."""
    parts = urlsplit(address)
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"


def hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def alert(chinese: str, english: str) -> str:
    return f'<p class="alert" role="alert" id="fault">{both(chinese, english)}</p>'


def sign_in_page(
    fields: Mapping[str, str],
    *,
    returns_to: str,
    name: str = "",
    fault: tuple[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Name, password, and the one-time code of those who have one."""
    told = alert(*fault) if fault else ""
    described = ' aria-describedby="fault" aria-invalid="true"' if fault else ""
    first, then = (described, " autofocus" + described) if name else (" autofocus" + described, described)
    body = (
        f'{told}<form method="post" action="sign-in">{hidden(fields)}'
        f'<label for="username">{both("用户名", "User name")}</label>'
        '<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false"'
        f' maxlength="63" required value="{escape(name[:63])}"{first}>'
        f'<label for="password">{both("密码", "Password")}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256"'
        f" required{then}>"
        f'<label for="code">{both("一次性验证码（如已启用）", "One-time code, if you have one")}</label>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}"'
        ' maxlength="6">'
        f"<button>{both('登录', 'Sign in')}</button></form>"
    )
    title = ("登录信用信息枢纽", "Sign in to Credit Hub")
    return page(title, body, status=status, returns_to=returns_to)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person is asked to agree to."""

    client: str
    person: str
    department: str
    scopes: Sequence[str]
    redirect_uri: str
    # By code: whose data the scopes of departments open.
    owners: Mapping[str, str]


def consent_page(asked: Consent, fields: Mapping[str, str]) -> HTMLResponse:
    """Who would get what, in words."""
    lines: list[str] = []
    for scope in asked.scopes:
        english, chinese = meaning(scope)
        owner = asked.owners.get(scope.partition("/")[0])
        whose = f"{escape(owner)}：" if owner is not None else ""
        lines.append(f"<li>{whose}{both(chinese, english)} <code>{escape(scope)}</code></li>")
    nothing = f"<li>{both('仅公开信息', 'Public information only')}</li>"
    body = (
        f"<dl><dt>{both('应用', 'Application')}</dt><dd>{escape(asked.client)}</dd>"
        f"<dt>{both('您', 'You')}</dt><dd>{escape(asked.person)}</dd>"
        f"<dt>{both('部门', 'Department')}</dt><dd>{escape(asked.department)}</dd>"
        f"<dt>{both('返回', 'Returns to')}</dt><dd>{escape(asked.redirect_uri)}</dd></dl>"
        f"<p>{both('该应用将能以您的名义：', 'In your name, the application will be able to:')}</p>"
        f"<ul>{''.join(lines) or nothing}</ul>"
        f"<p>{both('非公开信息的每次查询都会记入查询日志。', 'Each reading of what is not public is logged.')}</p>"
        f'<form method="post" action="consent">{hidden(fields)}'
        f'<button name="decision" value="allow">{both("同意", "Allow")}</button>'
        f'<button class="second" name="decision" value="deny">{both("拒绝", "Deny")}</button></form>'
        f'<form method="post" action="sign-out">{hidden(fields)}'
        f'<button class="plain">{both("换个用户", "Use another account")}</button></form>'
    )
    return page(("授权访问", "Allow access"), body, returns_to=asked.redirect_uri)


def sign_out_page(person: str, fields: Mapping[str, str]) -> HTMLResponse:
    """Who is signed in, and the way out."""
    body = (
        f"<p>{both('当前登录用户：', 'Signed in as')} <strong>{escape(person)}</strong></p>"
        f'<form method="post" action="sign-out">{hidden(fields)}<button>{both("退出登录", "Sign out")}</button></form>'
    )
    return page(("退出登录", "Sign out"), body)


def signed_out_page() -> HTMLResponse:
    return page(("未登录", "Signed out"), f"<p>{both('您未登录信用信息枢纽。', 'You are not signed in.')}</p>")


def fault_page(chinese: str, english: str, *, status: int = 400) -> HTMLResponse:
    """A request that cannot be sent back to whoever made it."""
    return page(("无法继续", "This cannot go on"), alert(chinese, english), status=status)
