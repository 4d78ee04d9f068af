import JSON
import Reports
import Telemetry
import Testing

/// A cluster of known numbers: one deployment that was half ready for half of the time, one pod that restarted.
private struct KnownData: ReportData {
    func instant(_ query: String, at moment: Timestamp) async throws -> [(labels: Labels, value: Double)] {
        let flaky: Labels = ["namespace": "shop", "pod": "flaky", "container": "flaky"]
        if query.hasPrefix("max(count_over_time(node_load1") { return [([:], 1800)] }
        if query.contains("kube_pod_info") { return [(["namespace": "shop", "pod": "web-1"], 1), (["namespace": "shop", "pod": "flaky"], 1)] }
        if query.contains("kube_pod_status_phase") { return [(["namespace": "shop", "pod": "web-1"], 1)] }
        if query.hasPrefix("max_over_time(kube_pod_container_status_restarts_total") { return [(flaky, 5)] }
        if query.hasPrefix("kube_pod_container_status_restarts_total") { return [(flaky, 1)] }
        if query.contains("terminated_reason") {
            var labels = flaky
            labels["reason"] = "Error"
            return [(labels, 1)]
        }
        if query.contains("exitcode") { return [(flaky, 137)] }
        if query.contains("resource_requests") { return [(["namespace": "shop", "pod": "web-1", "container": "web", "resource": "cpu"], 0.5)] }
        return []
    }

    func range(_ query: String, from: Timestamp, through: Timestamp, step: Duration) async throws -> [SeriesSamples] {
        let times = stride(from: from.milliseconds, through: through.milliseconds, by: Int(step.wholeMilliseconds)).map { Int64($0) }
        func series(_ labels: Labels, _ value: (Int) -> Double) -> SeriesSamples {
            SeriesSamples(labels: labels, timestamps: times, values: times.indices.map(value))
        }
        let deployment: Labels = ["namespace": "shop", "deployment": "web"]
        if query.contains("status_replicas_ready") { return [series(deployment) { $0 % 2 == 0 ? 2 : 1 }] }
        if query.contains("spec_replicas") { return [series(deployment) { _ in 2 }] }
        if query.hasPrefix("sum by (namespace, pod, container) (rate(") {
            return [series(["namespace": "shop", "pod": "web-1", "container": "web"]) { _ in 0.25 }]
        }
        return []
    }

    func errorPatterns(from: Timestamp, through: Timestamp, namespace: String?) async throws -> [ErrorPattern] {
        [
            ErrorPattern(
                pattern: "<script>alert(<n>)</script> | =1+1", count: 7, first: from, last: through, pods: ["shop/web-1"], example: "=cmd|' /C calc'!A0")
        ]
    }

    func events(from: Timestamp, through: Timestamp, namespace: String?) async throws -> [ClusterEvent] {
        [
            ClusterEvent(
                last: through, isWarning: true, reason: "Unhealthy", object: "pod/flaky", namespace: "shop", message: "Liveness probe failed: 500", count: 3)
        ]
    }
}

@Suite struct ReportTests {
    private func report() async throws -> Report {
        let end = Timestamp(milliseconds: 1_764_000_000_000)
        let builder = ReportBuilder(data: KnownData(), from: end - .seconds(3600), through: end, namespace: nil, nodeName: "n1")
        return try await builder.build(now: end)
    }

    private func table(_ report: Report, _ id: String) throws -> Report.Table {
        try #require(report.sections.flatMap(\.tables).first { $0.id == id })
    }

    @Test func `availability weighs the replicas that were missing`() async throws {
        let row = try #require(try await table(report(), "availability").rows.first)
        #expect(row[1] == .text("deployment/web"))
        guard case .number(let available, .percent) = row[3] else {
            Issue.record("no availability")
            return
        }
        #expect(abs(available - 75) < 0.5)
        #expect(row[4] == .number(100, .percent))
        #expect(row[2] == .status(.critical, "below 99 %"))
    }

    @Test func `restarts name their reason and what the kubelet said`() async throws {
        let row = try #require(try await table(report(), "restarts").rows.first)
        #expect(row[3] == .number(4, .count))
        #expect(row[4] == .text("Error"))
        #expect(row[5] == .number(137, .none))
        #expect(row[6] == .text("Liveness probe failed: 500"))
    }

    @Test func `says how much of the period was measured, and suggests nothing from an hour`() async throws {
        let report = try await report()
        #expect(report.summary.contains { $0.contains("Only 50.0 % of the period was measured") })
        let sizing = try table(report, "sizing")
        #expect(!sizing.columns.contains { $0.key.contains("suggested") })
        #expect(sizing.rows.first?.count == sizing.columns.count)
    }

    @Test func `no form lets a log line become markup, a column or a formula`() async throws {
        let report = try await report()
        let html = String(decoding: ReportForm.html.render(report), as: UTF8.self)
        #expect(!html.contains("<script"))
        #expect(html.contains("&lt;script&gt;"))
        #expect(!html.contains("http://") && !html.contains("https://"))
        #expect(html.contains("<svg"))
        let markdown = String(decoding: ReportForm.md.render(report), as: UTF8.self)
        #expect(markdown.contains("\\<script>") && markdown.contains("\\| =1+1"))
        let csv = String(decoding: ReportForm.csv.render(report), as: UTF8.self)
        #expect(csv.contains(",'=cmd|' /C calc'!A0\r\n"))
        #expect(csv.contains("table,namespace,workload,verdict,available_percent"))
        let json = try JSON.parse(ReportForm.json.render(report))
        #expect(json["schema"] == "report.v1")
        #expect(json["sections"].elements.count == report.sections.count)
    }
}
