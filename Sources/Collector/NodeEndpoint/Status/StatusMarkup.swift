/// The document of the built-in page. What changes is put in by `StatusScript`.
enum StatusMarkup {
    static let text = #"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="dark light">
        <title>Binnacle</title>
        <link rel="stylesheet" href="status.css">
        <script src="status.js" defer></script>
        </head>
        <body>
        <a class="skip" href="#containers">Skip to the containers</a>
        <header>
        <div class="who"><h1 id="node">…</h1><p id="about" class="muted"></p></div>
        <p id="state" class="state" role="status"><span class="dot" aria-hidden="true"></span><span id="state-text">connecting</span></p>
        </header>
        <main>
        <section class="tiles" aria-label="The node">
        <div class="tile wide"><h2>CPU</h2><p class="value" id="cpu">–</p><p class="muted" id="cpu-of"></p><div class="chart" id="cpu-chart"></div></div>
        <div class="tile wide"><h2>Memory</h2><p class="value" id="memory">–</p><p class="muted" id="memory-of"></p><div class="chart" id="memory-chart"></div></div>
        <div class="tile"><h2>Load</h2><p class="value" id="load">–</p><p class="muted" id="load-of"></p></div>
        <div class="tile"><h2>Network</h2><p class="value" id="net">–</p><p class="muted" id="net-of"></p></div>
        <div class="tile" id="disks"><h2>Disks</h2></div>
        </section>
        <section id="containers" aria-labelledby="containers-title">
        <div class="bar">
        <h2 id="containers-title">Containers</h2><span class="muted" id="count"></span>
        <span class="grow"></span>
        <label class="find"><span class="hidden">Find a container</span><input id="filter" type="search" placeholder="Find (/)" autocomplete="off" spellcheck="false"></label>
        <label><span class="hidden">Order</span><select id="sort"><option value="cpu">by CPU</option><option value="memory">by memory</option><option value="name">by name</option></select></label>
        <label class="check"><input id="all" type="checkbox"> all cgroups</label>
        <button id="pause" type="button" aria-pressed="false">Pause</button>
        </div>
        <div class="scroll">
        <table>
        <thead><tr><th scope="col">Name</th><th scope="col">CPU, cores</th><th scope="col" class="chartcol"><span class="hidden">CPU in the last minutes</span></th><th scope="col">Memory</th><th scope="col" class="chartcol"><span class="hidden">Memory in the last minutes</span></th><th scope="col">In / out, a second</th><th scope="col">Tasks</th></tr></thead>
        <tbody id="rows"></tbody>
        </table>
        </div>
        <p id="empty" class="empty" hidden></p>
        </section>
        </main>
        <footer>
        <p id="owners" class="muted"></p>
        <p><a href="metrics/cadvisor">container metrics</a> <a href="metrics/node">node metrics</a> <a href="metrics">own metrics</a> <a href="stats/summary">summary</a> <a href="api/v1.3/machine">machine</a> <a href="containers/">cgroups</a> <a href="healthz?verbose">health</a></p>
        </footer>
        <noscript><p class="empty">This page needs JavaScript. The same figures without it are at <a href="containers/">/containers/</a>.</p></noscript>
        </body>
        </html>

        """#
}
