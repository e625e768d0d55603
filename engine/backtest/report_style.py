"""The style sheet of reports: light and dark, as the reader's system says."""

STYLE = """
:root{color-scheme:light dark;--bg:#f7f8fa;--card:#fff;--ink:#1d232b;--soft:#66707c;--line:#e3e7ec;--grid:#eceff3;
--main:#2563c9;--fill:#2563c91f;--up:#12855a;--down:#c9344a;--downfill:#c9344a26;--warn:#fff3d6;--warnink:#7a5200}
@media(prefers-color-scheme:dark){:root{--bg:#0e1216;--card:#161b21;--ink:#e6eaef;--soft:#8d98a5;--line:#283039;
--grid:#222932;--main:#6ea8ff;--fill:#6ea8ff26;--up:#3fbf8a;--down:#f0687b;--downfill:#f0687b2e;--warn:#3a2f14;
--warnink:#f3cf7a}}
*{box-sizing:border-box}
body{font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:var(--bg);color:var(--ink);
margin:0 auto;max-width:1160px;padding:28px 20px 60px}
h1{font-size:24px;margin:0;letter-spacing:-.01em}h2{font-size:15px;margin:34px 0 10px;font-weight:600}
p,.soft{color:var(--soft);margin:4px 0}
.warn{background:var(--warn);color:var(--warnink);border-radius:8px;padding:8px 14px;margin:14px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(172px,1fr));gap:10px;margin:18px 0}
.cards div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 14px}
.cards b{display:block;font:600 18px/1.35 ui-monospace,SFMono-Regular,Menlo,monospace;white-space:nowrap}
.cards span{color:var(--soft);font-size:12px}
.panel{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px;overflow-x:auto}
.panel+.panel{margin-top:10px}.panel>.soft{margin:0 0 4px;font-size:12.5px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:10px;align-items:start}.two>.panel{margin:0}
svg{display:block;width:100%;height:auto}
.grid line{stroke:var(--grid)}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
.line{fill:none;stroke-width:1.5;stroke-linejoin:round}.line.main{stroke:var(--main)}.line.hold{stroke:var(--soft);
stroke-dasharray:3 4;stroke-width:1.2}.line.up{stroke:var(--up)}.line.down{stroke:var(--down)}
.area{stroke-width:1}.area.main{fill:var(--fill);stroke:var(--main)}.area.down{fill:var(--downfill);stroke:var(--down)}
.mark.up,rect.up{fill:var(--up)}.mark.down,rect.down{fill:var(--down)}rect.main{fill:var(--main)}.mark{opacity:.85}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-weight:500;font-size:12px;text-align:right;padding:4px 10px;
border-bottom:1px solid var(--line)}
td{text-align:right;padding:4px 10px;border-bottom:1px solid var(--grid);white-space:nowrap}
tr:last-child td{border-bottom:0}th:first-child,td:first-child{text-align:left}
.pairs td{text-align:left;white-space:normal}.pairs td:first-child{color:var(--soft);white-space:nowrap;width:1%}
td.up,b.up{color:var(--up)}td.down,b.down{color:var(--down)}
code{font:12px ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
@media print{body{background:#fff}.panel,.cards div{break-inside:avoid}}
"""
