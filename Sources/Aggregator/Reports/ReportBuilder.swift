import Telemetry

/// Works a report out of what the stores know.
///
/// Formulas are those of contracts/ux.md 6.2 and stand in the report's last section, so that a reader can
/// check them. What was not measured is said to be unknown, never counted as good.
public struct ReportBuilder: Sendable {
    let data: any ReportData
    let from: Timestamp
    let through: Timestamp
    let namespace: String?
    let nodeName: String

    public init(data: any ReportData, from: Timestamp, through: Timestamp, namespace: String?, nodeName: String) {
        self.data = data
        self.from = from
        self.through = through
        self.namespace = namespace
        self.nodeName = nodeName
    }

    /// Points of a chart; more cannot be seen.
    private static let chartPoints: Int64 = 240
    /// Rows of a table of the largest.
    static let topRows = 15

    var length: Duration { through - from }
    var step: Duration {
        let milliseconds = max(5000, (length.wholeMilliseconds / Self.chartPoints + 999) / 1000 * 1000)
        return .milliseconds(milliseconds)
    }
    /// The period as a PromQL range.
    var window: String { "\(max(1, length.wholeMilliseconds / 1000))s" }
    /// Two steps, but wide enough for a rate.
    var rateWindow: String { "\(max(30, step.wholeMilliseconds * 2 / 1000))s" }
    /// A matcher list for this report's scope, with what else is wanted.
    func scope(_ more: String = "") -> String {
        let base = namespace.map { "namespace=\"\($0.escapedForLabel)\"" } ?? "namespace!=\"\""
        return more.isEmpty ? base : base + "," + more
    }

    public func build(now: Timestamp) async throws -> Report {
        let workloads = try await availability()
        let restarts = try await self.restarts()
        let usage = try await self.usage()
        let patterns = try await data.errorPatterns(from: from, through: through, namespace: namespace)
        let events = try await data.events(from: from, through: through, namespace: namespace)
        let coverage = try await coverage()
        let sections = [
            try await ranSection(), availabilitySection(workloads), restartSection(restarts, events), try await cpuSection(usage),
            try await memorySection(usage), sizingSection(usage), errorSection(patterns), eventSection(events), methodSection(coverage),
        ]
        return Report(
            title: "Binnacle report", from: from, through: through, generated: now,
            scope: (namespace.map { "namespace \($0)" } ?? "all namespaces") + " on \(nodeName)",
            summary: ReportSummary.sentences(workloads: workloads, restarts: restarts, usage: usage, patterns: patterns, coverage: coverage),
            sections: sections)
    }

    // MARK: What ran

    private func ranSection() async throws -> Report.Section {
        let seen = try await data.instant("max by (namespace, pod) (max_over_time(kube_pod_info{\(scope())}[\(window)]))", at: through)
        let running = try await data.instant("sum by (namespace, pod) (kube_pod_status_phase{\(scope("phase=\"Running\""))} == 1)", at: through)
        let alive = Set(running.map { key($0.labels) })
        let ready = try await data.range("sum by (namespace) (kube_pod_status_ready{\(scope("condition=\"true\""))})", from: from, through: through, step: step)
        let rows = seen.sorted { left, right in
            let (first, second) = (key(left.labels), key(right.labels))
            return alive.contains(first) == alive.contains(second) ? first < second : alive.contains(first)
        }.map { item -> [Report.Cell] in
            let isAlive = alive.contains(key(item.labels))
            return [
                .text(item.labels["namespace"]), .text(item.labels["pod"]),
                isAlive ? .status(.good, "running") : .text("ended"),
            ]
        }
        return Report.Section(
            id: "pods", title: "What ran", text: ["\(seen.count) pods were seen in the period, \(alive.count) run at its end."],
            charts: [chart("Ready pods by namespace", .count, ready) { $0["namespace"] }],
            tables: [
                .init(
                    id: "pods", columns: [.init("Namespace", key: "namespace"), .init("Pod", key: "pod"), .init("At the end", key: "state")],
                    rows: rows, empty: "No pod ran in the period.")
            ])
    }

    func key(_ labels: Labels) -> String { "\(labels["namespace"])/\(labels["pod"])" }

    // MARK: Availability

    struct Workload: Sendable {
        var namespace: String
        var name: String
        /// Σ min(ready, desired) / Σ desired over the moments that were measured.
        var availability: Double
        /// Share of the moments with at least one ready.
        var up: Double
        /// Seconds in which fewer than desired were ready.
        var degraded: Double
        var series: SeriesSamples
    }

    private func availability() async throws -> [Workload] {
        let ready = try await data.range("kube_deployment_status_replicas_ready{\(scope())}", from: from, through: through, step: step)
        let desired = try await data.range("kube_deployment_spec_replicas{\(scope())}", from: from, through: through, step: step)
        let podsReady = try await data.range(
            "kube_pod_status_ready{\(scope("condition=\"true\""))} and on (namespace, pod) kube_pod_info{\(scope("created_by_kind=\"\""))}", from: from,
            through: through, step: step)
        var workloads: [Workload] = []
        for series in ready {
            let wanted = desired.first { $0.labels["namespace"] == series.labels["namespace"] && $0.labels["deployment"] == series.labels["deployment"] }
            workloads += workload(name: "deployment/\(series.labels["deployment"])", ready: series, desired: wanted)
        }
        for series in podsReady { workloads += workload(name: "pod/\(series.labels["pod"])", ready: series, desired: nil) }
        return workloads.sorted { ($0.availability, $0.namespace, $0.name) < ($1.availability, $1.namespace, $1.name) }
    }

    /// Without a desired series one is wanted at every moment.
    private func workload(name: String, ready: SeriesSamples, desired: SeriesSamples?) -> [Workload] {
        let wanted = desired.map { Dictionary(zip($0.timestamps, $0.values), uniquingKeysWith: { $1 }) }
        var (served, asked, up, moments, degraded) = (0.0, 0.0, 0, 0, 0)
        for (time, value) in zip(ready.timestamps, ready.values) {
            let want = wanted.map { $0[time] ?? 0 } ?? 1
            guard want > 0 else { continue }
            served += min(value, want)
            asked += want
            moments += 1
            if value >= 1 { up += 1 }
            if value < want { degraded += 1 }
        }
        guard moments > 0 else { return [] }
        return [
            Workload(
                namespace: ready.labels["namespace"], name: name, availability: served / asked, up: Double(up) / Double(moments),
                degraded: Double(degraded) * step.inSeconds, series: ready)
        ]
    }

    private func availabilitySection(_ workloads: [Workload]) -> Report.Section {
        let rows = workloads.map { workload -> [Report.Cell] in
            let status: Report.Status = workload.availability >= 0.999 ? .good : workload.availability >= 0.99 ? .warning : .critical
            let word = status == .good ? "good" : status == .warning ? "below 99.9 %" : "below 99 %"
            return [
                .text(workload.namespace), .text(workload.name), .status(status, word), .number(workload.availability * 100, .percent),
                .number(workload.up * 100, .percent), .number(workload.degraded, .seconds),
            ]
        }
        let worst = workloads.filter { $0.availability < 1 }.prefix(8).map { workload in
            Report.Chart.Series(
                name: "\(workload.namespace)/\(workload.name)", points: Array(zip(workload.series.timestamps, workload.series.values)).map { ($0, $1) })
        }
        let charts =
            worst.isEmpty
            ? [] : [Report.Chart(title: "Ready replicas of what was not always ready", unit: .count, series: Array(worst), gap: step.wholeMilliseconds * 3)]
        return Report.Section(
            id: "availability", title: "Availability", text: ["From readiness, as the probes saw it. Moments without a measurement are in neither number."],
            charts: charts,
            tables: [
                .init(
                    id: "availability",
                    columns: [
                        .init("Namespace", key: "namespace"), .init("Workload", key: "workload"), .init("Verdict", key: "verdict"),
                        .init("Available", key: "available_percent"), .init("At least one ready", key: "up_percent"),
                        .init("Not whole for", key: "degraded_seconds"),
                    ], rows: rows, empty: "Nothing that is probed ran in the period.")
            ])
    }

    // MARK: Coverage

    /// The share of the period in which the node was measured.
    private func coverage() async throws -> Double {
        let samples = try await data.instant("max(count_over_time(node_load1[\(window)]))", at: through)
        return min(1, (samples.first?.value ?? 0) / max(1, length.inSeconds))
    }

    func chart(_ title: String, _ unit: Report.Unit, _ series: [SeriesSamples], _ name: (Labels) -> String) -> Report.Chart {
        Report.Chart(
            title: title, unit: unit,
            series: series.map { samples in
                Report.Chart.Series(name: name(samples.labels), points: Array(zip(samples.timestamps, samples.values)).map { ($0, $1) })
            }, gap: step.wholeMilliseconds * 3)
    }
}
