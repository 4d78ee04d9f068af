import Telemetry

extension ReportBuilder {
    /// One container's use against what it asked for. Cores and bytes; nil is not set or not measured.
    struct Usage: Sendable {
        var namespace: String
        var pod: String
        var container: String
        var cpuMean = 0.0
        var cpuHigh = 0.0
        var cpuRequest: Double?
        var cpuLimit: Double?
        var memoryMean = 0.0
        var memoryMax = 0.0
        var memoryRequest: Double?
        var memoryLimit: Double?
        var throttled: Double?

        var name: String { "\(namespace)/\(pod)/\(container)" }
    }

    func usage() async throws -> [Usage] {
        let containers = scope("container!=\"\"")
        let rate = "rate(container_cpu_usage_seconds_total{\(containers)}[\(rateWindow)])"
        let cpu = try await data.range("sum by (namespace, pod, container) (\(rate))", from: from, through: through, step: step)
        let memory = try await data.range(
            "max by (namespace, pod, container) (container_memory_working_set_bytes{\(containers)})", from: from, through: through, step: step)
        var table: [String: Usage] = [:]
        func update(_ labels: Labels, _ change: (inout Usage) -> Void) {
            let id = "\(key(labels))/\(labels["container"])"
            change(&table[id, default: Usage(namespace: labels["namespace"], pod: labels["pod"], container: labels["container"])])
        }
        for series in cpu {
            update(series.labels) {
                $0.cpuMean = Statistics.mean(series.values)
                $0.cpuHigh = Statistics.quantile(0.95, series.values)
            }
        }
        for series in memory {
            update(series.labels) {
                $0.memoryMean = Statistics.mean(series.values)
                $0.memoryMax = series.values.max() ?? 0
            }
        }
        for (metric, isRequest) in [("kube_pod_container_resource_requests", true), ("kube_pod_container_resource_limits", false)] {
            let query = "max by (namespace, pod, container, resource) (last_over_time(\(metric){\(scope())}[\(window)]))"
            for item in try await data.instant(query, at: through) {
                update(item.labels) { usage in
                    switch (item.labels["resource"], isRequest) {
                    case ("cpu", true): usage.cpuRequest = item.value
                    case ("cpu", false): usage.cpuLimit = item.value
                    case ("memory", true): usage.memoryRequest = item.value
                    case ("memory", false): usage.memoryLimit = item.value
                    default: break
                    }
                }
            }
        }
        let throttling = try await data.instant(
            "sum by (namespace, pod, container) (increase(container_cpu_cfs_throttled_periods_total{\(containers)}[\(window)])) / sum by (namespace, pod, container) (increase(container_cpu_cfs_periods_total{\(containers)}[\(window)]))",
            at: through)
        for item in throttling where item.value.isFinite { update(item.labels) { $0.throttled = item.value } }
        return table.values.filter { $0.cpuMean > 0 || $0.memoryMax > 0 }.sorted { $0.name < $1.name }
    }

    func cpuSection(_ usage: [Usage]) async throws -> Report.Section {
        let top = try await data.range(
            "topk(8, sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{\(scope("container!=\"\""))}[\(rateWindow)])))", from: from,
            through: through, step: step)
        let rows = usage.sorted { $0.cpuMean > $1.cpuMean }.prefix(Self.topRows).map { item -> [Report.Cell] in
            let throttled: Report.Cell =
                item.throttled.map { share in
                    share > 0.25
                        ? .status(.critical, ReportNumber.text(share * 100, .percent))
                        : share > 0.05 ? .status(.warning, ReportNumber.text(share * 100, .percent)) : .number(share * 100, .percent)
                } ?? .text("no limit")
            return [
                .text(item.namespace), .text(item.pod), .text(item.container), .number(item.cpuMean, .cores), .number(item.cpuHigh, .cores), throttled,
            ]
        }
        return Report.Section(
            id: "cpu", title: "CPU", charts: [chart("CPU use of the largest pods, in cores", .cores, largest(top)) { "\($0["namespace"])/\($0["pod"])" }],
            tables: [
                .init(
                    id: "cpu",
                    columns: [
                        .init("Namespace", key: "namespace"), .init("Pod", key: "pod"), .init("Container", key: "container"),
                        .init("Mean", key: "cpu_mean_cores"), .init("95th percentile", key: "cpu_p95_cores"), .init("Throttled", key: "throttled_percent"),
                    ], rows: Array(rows), empty: "Nothing was measured.")
            ])
    }

    func memorySection(_ usage: [Usage]) async throws -> Report.Section {
        let top = try await data.range(
            "topk(8, sum by (namespace, pod) (container_memory_working_set_bytes{\(scope("container!=\"\""))}))", from: from, through: through, step: step)
        let rows = usage.sorted { $0.memoryMax > $1.memoryMax }.prefix(Self.topRows).map { item -> [Report.Cell] in
            let share = item.memoryLimit.map { $0 > 0 ? item.memoryMax / $0 : 0 }
            let ofLimit: Report.Cell =
                share.map { share in
                    share > 0.9 ? .status(.critical, ReportNumber.text(share * 100, .percent)) : .number(share * 100, .percent)
                } ?? .text("no limit")
            return [.text(item.namespace), .text(item.pod), .text(item.container), .number(item.memoryMean, .bytes), .number(item.memoryMax, .bytes), ofLimit]
        }
        return Report.Section(
            id: "memory", title: "Memory",
            charts: [chart("Working set of the largest pods", .bytes, largest(top)) { "\($0["namespace"])/\($0["pod"])" }],
            tables: [
                .init(
                    id: "memory",
                    columns: [
                        .init("Namespace", key: "namespace"), .init("Pod", key: "pod"), .init("Container", key: "container"),
                        .init("Mean", key: "memory_mean_bytes"), .init("Largest", key: "memory_max_bytes"),
                        .init("Of the limit", key: "memory_of_limit_percent"),
                    ], rows: Array(rows), empty: "Nothing was measured.")
            ])
    }

    /// topk chooses anew at each step, so over a period it may name more than eight.
    private func largest(_ series: [SeriesSamples]) -> [SeriesSamples] {
        Array(series.sorted { $0.values.reduce(0, +) > $1.values.reduce(0, +) }.prefix(8))
    }

    /// From less than a day no suggestion is made, and the columns for it are left out.
    func sizingSection(_ usage: [Usage]) -> Report.Section {
        let isLong = length >= .seconds(86_400)
        let rows = usage.sorted { waste($0) > waste($1) }.prefix(Self.topRows).map { item -> [Report.Cell] in
            let cpu: [Report.Cell] = [item.cpuRequest.map { .number($0, .cores) } ?? .text("none"), .number(item.cpuHigh, .cores)]
            let memory: [Report.Cell] = [item.memoryRequest.map { .number($0, .bytes) } ?? .text("none"), .number(item.memoryMax, .bytes)]
            guard isLong else { return [.text(item.name)] + cpu + memory }
            return [.text(item.name)] + cpu + [.number(max(0.01, item.cpuHigh), .cores)] + memory
                + [.number(max(33_554_432, item.memoryMax * 1.15), .bytes)]
        }
        let columns: [(column: Report.Table.Column, isSuggestion: Bool)] = [
            (.init("Container", key: "container"), false), (.init("CPU request", key: "cpu_request_cores"), false),
            (.init("CPU used (95th)", key: "cpu_p95_cores"), false), (.init("CPU suggested", key: "cpu_suggested_cores"), true),
            (.init("Memory request", key: "memory_request_bytes"), false), (.init("Memory used (max)", key: "memory_max_bytes"), false),
            (.init("Memory suggested", key: "memory_suggested_bytes"), true),
        ]
        return Report.Section(
            id: "sizing", title: "Requests against use",
            text: isLong ? [] : ["The period is shorter than 24 hours, from which no suggestion is made."],
            tables: [
                .init(
                    id: "sizing", columns: columns.filter { isLong || !$0.isSuggestion }.map(\.column), rows: Array(rows), empty: "Nothing was measured.")
            ])
    }

    /// What was asked for and not used: a core counts as much as 4 GiB.
    private func waste(_ usage: Usage) -> Double {
        max(0, (usage.cpuRequest ?? 0) - usage.cpuHigh) + max(0, (usage.memoryRequest ?? 0) - usage.memoryMax) / 4_294_967_296
    }
}

enum Statistics {
    static func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }

    /// Linear between the ranks, as PromQL's quantile.
    static func quantile(_ share: Double, _ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard let last = sorted.last else { return 0 }
        let rank = share * Double(sorted.count - 1)
        let low = Int(rank)
        guard low + 1 < sorted.count else { return last }
        return sorted[low] + (sorted[low + 1] - sorted[low]) * (rank - Double(low))
    }
}
