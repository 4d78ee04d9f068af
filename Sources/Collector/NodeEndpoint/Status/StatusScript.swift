/// What moves the built-in page. It sets text and attributes only, never markup.
enum StatusScript {
    static let text = #"""
        "use strict";
        (() => {
        const STEP = 2000, WINDOW = 180000;
        const byId = (id) => document.getElementById(id);
        const past = new Map();
        const totals = new Map();
        let paused = false, timer = 0, wantsPast = true, busy = false, again = false;

        function el(name, attributes, ...children) {
          const node = document.createElement(name);
          for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
          for (const child of children) if (child !== null && child !== undefined) node.append(child);
          return node;
        }
        function bytes(value) {
          if (value === undefined || value === null) return "–";
          const units = ["B", "KiB", "MiB", "GiB", "TiB"];
          let unit = 0;
          while (value >= 1000 && unit < units.length - 1) { value /= 1024; unit++; }
          return (unit === 0 ? Math.round(value) : value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)) + " " + units[unit];
        }
        const cores = (value) => value === undefined || value === null ? "–" : value < 10 ? value.toFixed(value < 0.1 ? 3 : 2) : value.toFixed(1);
        function ago(seconds) {
          const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
          return days ? days + " d " + hours + " h" : hours ? hours + " h " + minutes + " min" : minutes + " min";
        }
        function rate(key, value, time) {
          const old = totals.get(key);
          if (value === undefined) return undefined;
          if (!old) { totals.set(key, { value, time }); return undefined; }
          if (time > old.time) {
            old.rate = value >= old.value ? (value - old.value) * 1000 / (time - old.time) : undefined;
            old.value = value; old.time = time;
          }
          return old.rate;
        }
        function remember(id, item, time) {
          let points = past.get(id);
          if (item.past) points = item.past.slice();
          else {
            points = points || [];
            if (item.cpu !== undefined && (!points.length || points[points.length - 1][0] < time)) points.push([time, item.cpu, item.used ?? item.memory ?? 0]);
          }
          while (points.length && points[0][0] < time - WINDOW) points.shift();
          past.set(id, points);
          return points;
        }
        const SVG = "http://www.w3.org/2000/svg";
        function chart(host, points, column, end, top, label) {
          let svg = host.firstChild;
          if (!svg) {
            svg = document.createElementNS(SVG, "svg");
            svg.setAttribute("viewBox", "0 0 100 100");
            svg.setAttribute("preserveAspectRatio", "none");
            svg.setAttribute("role", "img");
            svg.append(document.createElementNS(SVG, "polygon"), document.createElementNS(SVG, "polyline"));
            host.append(svg);
          }
          let highest = top || 0;
          for (const point of points) highest = Math.max(highest, point[column]);
          const at = points.map((point) => [100 - (end - point[0]) / WINDOW * 100, 98 - (highest ? point[column] / highest * 94 : 0)]);
          const line = at.map((pair) => pair[0].toFixed(2) + "," + pair[1].toFixed(2)).join(" ");
          svg.lastChild.setAttribute("points", line);
          svg.firstChild.setAttribute("points", at.length > 1 ? at[0][0].toFixed(2) + ",100 " + line + " " + at[at.length - 1][0].toFixed(2) + ",100" : "");
          svg.setAttribute("aria-label", label);
        }
        function setText(node, text) { if (node.textContent !== text) node.textContent = text; }

        function showNode(data) {
          const node = data.node, time = data.time;
          setText(byId("node"), node.name);
          document.title = node.name + " · Binnacle";
          setText(byId("about"), [node.os, "Linux " + node.kernel, node.cores + (node.cores === 1 ? " core" : " cores"), "up " + ago(time / 1000 - node.boot), data.version]
            .filter(Boolean).join(" · "));
          setText(byId("cpu"), node.cpu === undefined ? "–" : (node.cpu / node.cores * 100).toFixed(1) + " %");
          setText(byId("cpu-of"), node.cpu === undefined ? "the first second is not over" : cores(node.cpu) + " of " + node.cores + " cores");
          setText(byId("memory"), node.used === undefined ? "–" : (node.used / node.memory * 100).toFixed(1) + " %");
          setText(byId("memory-of"), bytes(node.used) + " working set of " + bytes(node.memory));
          setText(byId("load"), node.load.length ? node.load[0].toFixed(2) : "–");
          setText(byId("load-of"), node.load.slice(1).map((value) => value.toFixed(2)).join("  ") + "  (5, 15 min)");
          const rx = rate("rx", node.rx, time), tx = rate("tx", node.tx, time);
          setText(byId("net"), rx === undefined ? "–" : bytes(rx) + "/s");
          setText(byId("net-of"), tx === undefined ? "" : "in; out " + bytes(tx) + "/s");
          const points = remember("/", node, time);
          chart(byId("cpu-chart"), points, 1, time, node.cores, "CPU of the node in the last three minutes");
          byId("memory-chart").classList.add("m");
          chart(byId("memory-chart"), points, 2, time, node.memory, "Memory of the node in the last three minutes");
          const disks = byId("disks");
          while (disks.children.length > 1) disks.lastChild.remove();
          const largest = node.disks.slice().sort((a, b) => b.size - a.size).slice(0, 2);
          for (const disk of largest) {
            const share = disk.size ? disk.used / disk.size : 0;
            disks.append(el("div", { class: "disk" },
              el("div", {}, el("span", { title: disk.mount }, disk.mount), el("span", {}, (share * 100).toFixed(0) + " %")),
              el("meter", { min: 0, max: 1, low: 0.8, high: 0.92, optimum: 0, value: share, title: bytes(disk.used) + " of " + bytes(disk.size), "aria-label": disk.mount })));
          }
        }

        function newRow() {
          const link = el("a", { href: "#" });
          const tags = el("span", {});
          const sub = el("div", { class: "sub" });
          const cpu = el("div", {}), memory = el("div", { class: "m" });
          const cells = {
            cpu: el("td", { "data-label": "CPU" }), memory: el("td", { "data-label": "memory" }), net: el("td", { "data-label": "in / out" }), tasks: el("td", { "data-label": "tasks" }),
          };
          const row = el("tr", {}, el("td", {}, el("div", { class: "title" }, link, tags), sub), cells.cpu, el("td", { class: "spark" }, cpu), cells.memory,
            el("td", { class: "spark" }, memory), cells.net, cells.tasks);
          return { row, link, tags, sub, cpu, memory, cells };
        }
        const rows = new Map();
        function showContainer(item, time) {
          let parts = rows.get(item.id);
          if (!parts) { parts = newRow(); rows.set(item.id, parts); }
          setText(parts.link, item.title);
          parts.link.setAttribute("href", "containers" + item.id.split("/").map(encodeURIComponent).join("/"));
          setText(parts.sub, [[item.namespace, item.pod].filter(Boolean).join("/"), item.image, item.runtime, item.title === item.id ? "" : item.pod ? "" : item.id]
            .filter(Boolean).join(" · "));
          parts.tags.replaceChildren();
          if (item.ooms) parts.tags.append(el("span", { class: "tag" }, item.ooms + (item.ooms === 1 ? " OOM kill" : " OOM kills")));
          if (item.throttled > 0.1) parts.tags.append(el("span", { class: "tag warn" }, "throttled " + Math.round(item.throttled * 100) + " %"));
          setText(parts.cells.cpu, cores(item.cpu) + (item.quota ? " / " + cores(item.quota) : ""));
          setText(parts.cells.memory, bytes(item.memory) + (item.limit ? " / " + bytes(item.limit) : ""));
          const rx = rate(item.id + " rx", item.rx, time), tx = rate(item.id + " tx", item.tx, time);
          setText(parts.cells.net, item.rx === undefined ? "" : rx === undefined ? "–" : bytes(rx) + " / " + bytes(tx));
          setText(parts.cells.tasks, item.tasks === undefined ? "" : String(item.tasks));
          const points = remember(item.id, item, time);
          chart(parts.cpu, points, 1, time, 0.01, "CPU in the last three minutes");
          chart(parts.memory, points, 2, time, 1, "Memory in the last three minutes");
          return parts.row;
        }
        function forget(keep) {
          for (const id of rows.keys()) if (!keep.has(id)) { rows.delete(id); past.delete(id); totals.delete(id + " rx"); totals.delete(id + " tx"); }
        }

        function show(data) {
          showNode(data);
          const table = byId("rows");
          const wanted = data.containers.map((item) => showContainer(item, data.time));
          forget(new Set(data.containers.map((item) => item.id)));
          wanted.forEach((row, index) => { if (table.children[index] !== row) table.insertBefore(row, table.children[index] || null); });
          while (table.children.length > wanted.length) table.lastChild.remove();
          const hidden = data.hidden ? ", " + data.hidden + " cgroups without an owner" : "";
          setText(byId("count"), (data.matching > wanted.length ? wanted.length + " of " + data.matching : String(data.matching)) + hidden);
          const empty = byId("empty");
          empty.hidden = wanted.length > 0;
          setText(empty, byId("filter").value ? "Nothing here is called so." : "No containers and no other cgroups are seen on this node.");
          setText(byId("owners"), data.owners.length ? data.owners.map((owner) => (owner.ok ? "● " : "▲ ") + owner.name + ": " + owner.message).join("   ") : "");
        }

        async function poll() {
          if (busy) { again = true; return; }
          busy = true; again = false;
          clearTimeout(timer);
          const query = new URLSearchParams({ sort: byId("sort").value, filter: byId("filter").value });
          if (byId("all").checked) query.set("all", "1");
          if (wantsPast) query.set("points", String(WINDOW / 1000));
          const state = byId("state");
          try {
            const answer = await fetch("status.json?" + query, { signal: AbortSignal.timeout(10000) });
            if (!answer.ok) throw new Error("HTTP " + answer.status);
            show(await answer.json());
            wantsPast = false;
            state.className = "state live";
            setText(byId("state-text"), paused ? "paused" : "live");
          } catch (problem) {
            state.className = "state lost";
            setText(byId("state-text"), "no answer: " + problem.message);
            wantsPast = true;
          }
          busy = false;
          if (again) poll();
          else if (!paused && !document.hidden) timer = setTimeout(poll, STEP);
        }
        function ask() { wantsPast = true; poll(); }
        byId("filter").addEventListener("input", ask);
        byId("sort").addEventListener("change", ask);
        byId("all").addEventListener("change", ask);
        byId("pause").addEventListener("click", () => {
          paused = !paused;
          byId("pause").setAttribute("aria-pressed", String(paused));
          setText(byId("pause"), paused ? "Go on" : "Pause");
          if (paused) { clearTimeout(timer); setText(byId("state-text"), "paused"); } else ask();
        });
        document.addEventListener("visibilitychange", () => { if (!document.hidden && !paused) ask(); });
        document.addEventListener("keydown", (event) => {
          if (event.key === "/" && document.activeElement !== byId("filter")) { event.preventDefault(); byId("filter").focus(); }
          if (event.key === "Escape" && document.activeElement === byId("filter")) { byId("filter").value = ""; byId("filter").blur(); ask(); }
        });
        poll();
        })();

        """#
}
