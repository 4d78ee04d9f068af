import Glibc
import JSON
import Runtime
import TestKit
import Testing

/// The demo from start to stop, driven by the clients that people have. One instance at a time: they share
/// the machine's cgroup tree.
@Suite(.serialized, .timeLimit(.minutes(15))) struct DemoTests {
    @Test func `the demo runs, answers every promised client, and leaves nothing behind`() async throws {
        let instance = try await Instance.start(["--demo"])
        #expect(instance.said.contains("kubeconfig"))
        #expect(try await eventually(within: 30) { try await Self.readyPods(instance) >= 4 }, "\(instance.said)")

        try await checkKubectl(instance)
        try await checkEndpoint(instance)
        try await checkQueries(instance)
        try await checkLogs(instance)
        try await checkService(instance)
        try await checkReport(instance)

        #expect(try await instance.stop() == 0, "\(instance.said)")
        let left = try await Leftovers.of(instance)
        #expect(left.isEmpty, "\(left.joined(separator: "\n"))")
    }

    static func readyPods(_ instance: Instance) async throws -> Int {
        try await instance.get(["pods", "-n", "shop"])["items"].elements.count { pod in
            pod["status"]["conditions"].elements.contains { $0["type"] == "Ready" && $0["status"] == "True" }
        }
    }

    private func checkKubectl(_ instance: Instance) async throws {
        for version in Kubectl.all {
            for arguments in [
                ["get", "pods", "-A"], ["get", "pods", "-n", "shop", "-o", "wide"], ["get", "pods", "-n", "shop", "-o", "yaml"],
                ["get", "deploy,rs,svc,ep,events,cm,secret", "-n", "shop"], ["get", "nodes"], ["get", "ns"], ["get", "cs"], ["get", "all", "-n", "shop"],
                ["describe", "pod", "-n", "shop", "flaky"], ["describe", "deploy", "-n", "shop", "web"], ["describe", "svc", "-n", "shop", "web"],
                ["describe", "nodes"], ["logs", "-n", "shop", "load", "--tail", "5"], ["version"], ["api-resources"], ["cluster-info"],
            ] {
                let outcome = try await instance.kubectl(arguments, version: version)
                #expect(outcome.status == 0, "\(version) \(arguments): \(outcome.errors)")
                #expect(!outcome.errors.contains("panic"), "\(version) \(arguments)")
            }
        }
        let wide = try await instance.kubectl(["get", "pods", "-n", "shop", "-o", "wide"])
        let header = wide.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(
            header.split(separator: " ").map(String.init) == [
                "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED", "NODE", "READINESS", "GATES",
            ])
        #expect(wide.output.contains("1/1") && wide.output.contains("Running"))
        #expect(try await instance.kubectl(["rollout", "status", "deploy/web", "-n", "shop", "--timeout=20s"]).output.contains("successfully rolled out"))
    }

    private func checkEndpoint(_ instance: Instance) async throws {
        #expect(try await instance.curl("/healthz") == "ok")
        #expect(
            try await eventually(within: 10) {
                try await instance.curl("/metrics/cadvisor").contains("container_cpu_usage_seconds_total{container=\"web\"")
            })
        let summary = try await instance.json("/stats/summary")
        let pods = summary["pods"].elements.filter { $0["podRef"]["namespace"] == "shop" }
        #expect(pods.count == 4)
        for pod in pods {
            #expect((pod["containers"][0]["memory"]["workingSetBytes"].int ?? 0) > 100_000, "\(pod)")
            #expect((pod["cpu"]["usageCoreNanoSeconds"].int ?? 0) > 0, "\(pod)")
            #expect((pod["process_stats"]["process_count"].int ?? 0) > 0, "\(pod)")
            #expect((pod["network"]["rxBytes"].int ?? -1) >= 0, "\(pod)")
        }
        #expect(try await instance.json("/pods")["items"].elements.count == 4)
        #expect(try await instance.curl("/metrics/resource").contains("pod_memory_working_set_bytes{"))
        #expect(try await instance.curl("/metrics/probes").contains("prober_probe_total{"))
        #expect(try await instance.curl("/metrics").contains("binnacle_collector_round_duration_seconds_count"))
        #expect(try await instance.curl("/exec/a/b/c", ["-X", "POST", "-o", "/dev/null", "-w", "%{http_code}"]) == "405")
    }

    private func checkQueries(_ instance: Instance) async throws {
        let query = #"sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="shop"}[1m]))"#
        #expect(
            try await eventually(within: 20) {
                let table = try await instance.client(["query", query])
                return table.status == 0 && table.output.split(separator: "\n").count == 5 && table.output.hasPrefix("POD")
            })
        let graph = try await instance.client(["query", "--range", "15m", query])
        #expect(graph.status == 0 && graph.output.contains("┤") && graph.output.contains("flaky"), "\(graph.description)")
        let csv = try await instance.client(["query", "-o", "csv", query])
        #expect(csv.output.hasPrefix("pod,time,value\r\n"))
        let json = try JSON.parse(try await instance.client(["query", "-o", "json", query]).output)
        #expect(json["resultType"] == "vector" && json["result"].elements.count == 4)
        let wrong = try await instance.client(["query", "rat(up[5m])"])
        #expect(wrong.status == 1 && wrong.errors.contains("rate") && wrong.errors.contains("^"), "\(wrong.description)")

        let answer = try await instance.json(
            "/api/v1/query", ["-G", "--data-urlencode", "query=count(container_memory_working_set_bytes{namespace=\"shop\",container!=\"\"})"])
        #expect(answer["status"] == "success" && answer["data"]["result"][0]["value"][1] == "4", "\(answer)")
        let names = try await instance.json("/api/v1/label/pod/values")
        #expect(names["data"].elements.contains("flaky"))
        let series = try await instance.json("/api/v1/series", ["-G", "--data-urlencode", "match[]=kube_pod_info{namespace=\"shop\"}"])
        #expect(series["data"].elements.count >= 4)
        #expect(try await instance.curl("/api/v1/query?query=up%7B", ["-o", "/dev/null", "-w", "%{http_code}"]) == "400")
    }

    private func checkLogs(_ instance: Instance) async throws {
        #expect(
            try await eventually(within: 60) {
                try await instance.client(["logs", "-n", "shop", "--since", "10m", "checkout failed"]).output.contains("payment provider timed out")
            }, "no failed checkout was found")
        let raw = try await instance.client(["logs", "-n", "shop", "-o", "raw", "--pod", "web-.*", "listening"])
        #expect(raw.output.split(separator: "\n").count >= 2 && raw.output.hasPrefix("{\"ts\":"), "\(raw.description)")
        let context = try await instance.client(["logs", "-n", "shop", "-C", "2", "--limit", "1", "checkout failed"])
        #expect(context.output.split(separator: "\n").count >= 3, "\(context.description)")
        #expect(try await instance.client(["logs", "-n", "shop", "--count"]).output.contains(" lines"))
        #expect(try await instance.client(["logs", "no such text anywhere"]).status == 1)
    }

    /// The service from the host, by its cluster IP, and from within a pod (the load is one).
    private func checkService(_ instance: Instance) async throws {
        let service = try await instance.get(["svc", "web", "-n", "shop"])
        let address = service["spec"]["clusterIP"].string ?? ""
        let answer = try await Program.run(["curl", "-sS", "--max-time", "5", "http://\(address):8080/healthz"])
        #expect(answer.output == "ok\n", "\(answer.description)")
        let metrics = try await instance.curl("/metrics/cadvisor")
        #expect(!metrics.isEmpty)
        let endpoints = try await instance.get(["ep", "web", "-n", "shop"])
        #expect(endpoints["subsets"][0]["addresses"].elements.count == 2)
    }

    private func checkReport(_ instance: Instance) async throws {
        for form in ["html", "md", "csv", "json"] {
            let file = instance.directory.file("report.\(form)")
            let outcome = try await instance.client(["report", "--since", "1h", "-o", file])
            #expect(outcome.status == 0, "\(outcome.description)")
            let text = try HostFileSystem().text(file)
            #expect(text.contains("web"), "report.\(form)")
        }
    }

    @Test func `after kill -9 nothing acknowledged is lost and running pods are taken over`() async throws {
        let first = try await Instance.start(["--demo"])
        #expect(try await eventually(within: 30) { try await Self.readyPods(first) >= 4 })
        #expect(try await eventually(within: 30) { try await first.client(["logs", "-n", "shop", "-o", "raw", "listening"]).status == 0 })
        let before = try await first.get(["pod", "load", "-n", "shop"])
        let lines = try await first.client(["logs", "-n", "shop", "--pod", "web-.*", "-o", "raw", "--limit", "0", "listening"]).output
        let samples = try await first.client(["query", "-o", "csv", "count_over_time(node_load1[10m])"]).output
        first.process.kill(SIGKILL)
        _ = first.process.wait()

        let second = try await Instance.start(["--demo"], directory: first.directory, offset: first.offset)
        #expect(try await eventually(within: 30) { try await Self.readyPods(second) >= 4 })
        let after = try await second.get(["pod", "load", "-n", "shop"])
        let id = before["status"]["containerStatuses"][0]["containerID"]
        #expect(after["status"]["containerStatuses"][0]["containerID"] == id, "the pod was not taken over: \(after["status"])")
        #expect(after["status"]["containerStatuses"][0]["restartCount"] == 0)
        #expect(after["metadata"]["uid"] == before["metadata"]["uid"])
        #expect(try await second.client(["logs", "-n", "shop", "--pod", "web-.*", "-o", "raw", "--limit", "0", "listening"]).output == lines)
        let later = try await second.client(["query", "-o", "csv", "count_over_time(node_load1[10m])"]).output
        func count(_ csv: String) -> Double { csv.split(whereSeparator: { $0.isNewline }).last.flatMap { Double($0.split(separator: ",").last ?? "") } ?? 0 }
        #expect(count(later) >= count(samples), "\(samples) \(later)")

        #expect(try await second.stop() == 0)
        let left = try await Leftovers.of(second)
        #expect(left.isEmpty, "\(left.joined(separator: "\n"))")
    }

    @Test func `without the rights for namespaces and networks the demo works on the host's`() async throws {
        let instance = try await Instance.start(["--demo"], wrapper: ["setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-sys_admin,-net_admin"])
        #expect(instance.said.contains("missing:"))
        #expect(try await eventually(within: 30) { try await Self.readyPods(instance) >= 4 }, "\(instance.said)")
        #expect(try await eventually(within: 60) { try await instance.client(["logs", "-n", "shop", "--pod", "load", "-o", "raw"]).status >= 0 })
        try await checkService(instance)
        #expect(try await instance.stop() == 0)
        let left = try await Leftovers.of(instance)
        #expect(left.isEmpty, "\(left.joined(separator: "\n"))")
    }
}
