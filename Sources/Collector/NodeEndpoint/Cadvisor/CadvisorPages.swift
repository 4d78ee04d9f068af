import HTTP
import NodeStats
import Runtime

/// cAdvisor's pages for people: `/containers/…` (a cgroup, what is below it and what it uses), `/docker/…` (containers by
/// name) and `/validate/` (what of the machine can be measured). Plain documents without a script.
struct CadvisorPages: Sendable {
    let readings: any NodeReadings
    let files: any FileSystem
    let options: NodeEndpoint.Options

    func register(on router: inout HTTPRouter) {
        router.on("GET", "/containers/{rest...}") { _, names in
            let path = CgroupPath.normalized(names["rest"] ?? "")
            let snapshot = await readings.snapshot(maximumAge: nil)
            guard let row = snapshot.row(at: path) else { return Self.missing("There is no cgroup \(path) on this node, or no longer.") }
            return Self.page(path, Self.container(row, snapshot))
        }
        router.on("GET", "/docker/{rest...}") { _, names in
            let snapshot = await readings.snapshot(maximumAge: nil)
            let name = names["rest"] ?? ""
            if name.isEmpty {
                let rows = snapshot.rows.filter { CadvisorAPI.isContainer($0.reference) }
                return Self.page("Containers", Self.table(rows))
            }
            do throws(CadvisorAPI.Failure) {
                let row = try CadvisorAPI.named(name, runtime: nil, in: snapshot)
                return Self.page(name, Self.container(row, snapshot))
            } catch {
                return Self.missing(error.text)
            }
        }
        router.on("GET", "/validate/") { _, _ in
            Self.page("What can be measured here", validation(await readings.snapshot(maximumAge: nil)))
        }
    }

    private static func container(_ row: NodeSnapshot.Row, _ snapshot: NodeSnapshot) -> String {
        let reference = row.reference
        let sample = row.sample
        let path = reference.cgroupPath
        var facts: [(String, String)] = [
            ("Name", reference.name), ("Image", reference.image), ("Runtime", reference.runtime), ("Pod", reference.pod), ("Namespace", reference.namespace),
            ("Container", reference.container),
        ]
        if let rate = row.usageNanoCores { facts.append(("CPU", "\((Double(rate) / 1e6).rounded() / 1000) cores")) }
        if let bytes = sample.memoryUsage { facts.append(("Memory", HTML.bytes(bytes))) }
        if let bytes = sample.workingSet { facts.append(("Working set", HTML.bytes(bytes))) }
        if let limit = row.limits.memory { facts.append(("Memory limit", HTML.bytes(limit))) }
        if let count = sample.processes { facts.append(("Processes", "\(count)")) }
        if let count = sample.threads { facts.append(("Threads", "\(count)")) }
        for counters in row.network?.interfaces ?? [] {
            facts.append((counters.interface, "\(HTML.bytes(counters.receivedBytes)) received, \(HTML.bytes(counters.transmittedBytes)) sent"))
        }
        let list = facts.filter { !$0.1.isEmpty }.map { "<dt>\(HTML.escaped($0.0))</dt><dd>\(HTML.escaped($0.1))</dd>" }.joined()
        let children = snapshot.rows.filter { CgroupPath.parent($0.reference.cgroupPath) == path }
        return "<dl>\(list)</dl>" + (children.isEmpty ? "" : "<h2>Subcontainers</h2>" + table(children))
    }

    private static func table(_ rows: [NodeSnapshot.Row]) -> String {
        let lines = rows.map { row in
            let reference = row.reference
            let name = reference.name.isEmpty ? reference.cgroupPath : reference.name
            let cpu = row.usageNanoCores.map { "\((Double($0) / 1e6).rounded() / 1000)" } ?? ""
            let memory = row.sample.workingSet.map { HTML.bytes($0) } ?? ""
            return "<tr><td><a href=\"/containers\(HTML.address(reference.cgroupPath))\">\(HTML.escaped(name))</a></td>"
                + "<td>\(HTML.escaped(reference.image))</td><td>\(cpu)</td><td>\(memory)</td></tr>"
        }
        return "<table><thead><tr><th>Name</th><th>Image</th><th>Cores</th><th>Working set</th></tr></thead><tbody>\(lines.joined())</tbody></table>"
    }

    private func validation(_ snapshot: NodeSnapshot) -> String {
        let mounts = options.mounts ?? CgroupMounts()
        func has(_ controller: String) -> String { mounts.directory(controller: controller, path: "/").map { "version \($0.version), \($0.path)" } ?? "" }
        let root = snapshot.row(at: "/")?.sample
        let facts: [(String, String)] = [
            ("Kernel", snapshot.machine.kernelVersion), ("Operating system", snapshot.machine.osImage), ("Cgroup hierarchies", mounts.description),
            ("Controller cpu", has("cpu")), ("Controller cpuacct", has("cpuacct")), ("Controller memory", has("memory")), ("Controller blkio/io", has("blkio")),
            ("Controller pids", has("pids")), ("Controller hugetlb", has("hugetlb")), ("Controller cpuset", has("cpuset")),
            ("Pressure (PSI)", root?.cpuPressure == nil && !files.exists(options.root + "/proc/pressure/cpu") ? "" : "the kernel tells it"),
            ("Kernel messages", files.exists(options.root + "/dev/kmsg") ? "/dev/kmsg" : ""),
            ("Docker", files.exists(options.root + "/var/run/docker.sock") ? "/var/run/docker.sock" : ""),
            ("containerd", files.exists(options.root + "/run/containerd/containerd.sock") ? "/run/containerd/containerd.sock" : ""),
            ("Cgroups seen", "\(snapshot.rows.count)"),
        ]
        let lines = facts.map { "<dt>\(HTML.escaped($0.0))</dt><dd>\($0.1.isEmpty ? "not here" : HTML.escaped($0.1))</dd>" }
        return "<dl>\(lines.joined())</dl>"
    }

    private static func missing(_ text: String) -> HTTPResponse {
        var response = page("Not found", "<p>\(HTML.escaped(text))</p>")
        response.status = 404
        return response
    }

    private static func page(_ title: String, _ body: String) -> HTTPResponse {
        let title = HTML.escaped(title)
        let document = """
            <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title><style>\(style)</style></head><body><nav><a href="/containers/">Cgroups</a> <a href="/docker/">Containers</a>
            <a href="/validate/">Validate</a></nav><h1>\(title)</h1>\(body)</body></html>

            """
        return HTTPResponse(
            fields: ["Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"],
            body: .bytes(Array(document.utf8)))
    }

    private static let style = """
        :root{color-scheme:light dark}body{font:14px/20px system-ui,sans-serif;margin:24px auto;max-width:960px;padding:0 16px}
        h1{font-size:20px;overflow-wrap:anywhere}nav a{margin-right:16px}dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px}
        dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:4px 8px;
        border-bottom:1px solid #8884;overflow-wrap:anywhere}td:nth-child(n+3),th:nth-child(n+3){text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        """
}
