"""How the page looks: the reader's own fonts, light and dark, and fit to be printed."""

STYLE = """
:root { color-scheme: light dark; --line: #8885; }
:root { --bad: #b3261e; --warn: #8a5300; --good: #1a6b2d; --note: #35618e; }
@media (prefers-color-scheme: dark) {
  :root { --bad: #ff8a80; --warn: #ffc46b; --good: #86d993; --note: #9ac7f7; }
}
body { font: 16px/1.45 system-ui, sans-serif; margin: 0; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .3rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { border: 1px solid var(--line); padding: .5rem; overflow-x: auto; }
.word { font-weight: bold; border: 1px solid; padding: 0 .3em; }
.ready, .good { color: var(--good); } .blocked, .bad { color: var(--bad); }
.unknown, .warn { color: var(--warn); } .note { color: var(--note); }
details { border-top: 1px solid var(--line); padding: .3rem 0; } summary { cursor: pointer; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem; vertical-align: top; border-bottom: 1px solid var(--line); }
.map { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: .6rem; }
.group { border: 1px solid var(--line); padding: .5rem; break-inside: avoid; }
.group.card { border: 2px solid var(--note); }
.group ul { margin: 0; padding-left: 1rem; } .bridge { opacity: .7; }
ins { text-decoration: none; color: var(--good); } del { text-decoration: none; color: var(--bad); }
dt { font-weight: bold; } dd { margin: 0 0 .3rem 1rem; overflow-wrap: anywhere; } footer { margin-top: 2rem; }
"""
