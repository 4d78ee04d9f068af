import Telemetry

extension ReportBuilder {
    struct Restart: Sendable {
        var namespace: String
        var pod: String
        var container: String
        var count: Double
        var reason: String
        var exitCode: Int?
    }

    func restarts() async throws -> [Restart] {
        // The counter counts whole restarts: the plain difference is exact where increase() would extrapolate.
        // A container that is younger than the period began at none, whatever its first sample says.
        let highest = try await data.instant("max_over_time(kube_pod_container_status_restarts_total{\(scope())}[\(window)])", at: through)
        let before = try await data.instant("kube_pod_container_status_restarts_total{\(scope())}", at: from)
        let counts = highest.map { item in
            let old = before.first {
                key($0.labels) == key(item.labels) && $0.labels["container"] == item.labels["container"] && $0.labels["uid"] == item.labels["uid"]
            }
            return (labels: item.labels, value: item.value - (old?.value ?? 0))
        }.filter { $0.value > 0 }
        let reasons = try await data.instant(
            "max by (namespace, pod, container, reason) (max_over_time(kube_pod_container_status_last_terminated_reason{\(scope())}[\(window)]))", at: through)
        let codes = try await data.instant(
            "max by (namespace, pod, container) (last_over_time(kube_pod_container_status_last_terminated_exitcode{\(scope())}[\(window)]))", at: through)
        return counts.map { item in
            func isSame(_ labels: Labels) -> Bool { key(labels) == key(item.labels) && labels["container"] == item.labels["container"] }
            let why = reasons.filter { isSame($0.labels) && $0.value > 0 }.map { $0.labels["reason"] }.sorted()
            return Restart(
                namespace: item.labels["namespace"], pod: item.labels["pod"], container: item.labels["container"], count: item.value,
                reason: why.isEmpty ? "unknown" : why.joined(separator: ", "), exitCode: codes.first { isSame($0.labels) }.map { Int($0.value) })
        }.sorted { ($1.count, $0.pod) < ($0.count, $1.pod) }
    }

    /// Restarts beside what the kubelet said of them.
    func restartSection(_ restarts: [Restart], _ events: [ClusterEvent]) -> Report.Section {
        let rows = restarts.map { restart -> [Report.Cell] in
            let said = events.first {
                $0.object == "pod/\(restart.pod)" && $0.namespace == restart.namespace && ["Killing", "Unhealthy", "OOMKilling"].contains($0.reason)
            }
            return [
                .text(restart.namespace), .text(restart.pod), .text(restart.container), .number(restart.count, .count),
                restart.reason.contains("OOMKilled") ? .status(.critical, restart.reason) : .text(restart.reason),
                restart.exitCode.map { .number(Double($0), .none) } ?? .unknown, .text(said?.message ?? ""),
            ]
        }
        return Report.Section(
            id: "restarts", title: "Restarts",
            tables: [
                .init(
                    id: "restarts",
                    columns: [
                        .init("Namespace", key: "namespace"), .init("Pod", key: "pod"), .init("Container", key: "container"),
                        .init("Restarts", key: "restarts"), .init("Reason", key: "reason"), .init("Last exit code", key: "exit_code"),
                        .init("The kubelet said", key: "message"),
                    ], rows: rows, empty: "No container restarted.")
            ])
    }

    func errorSection(_ patterns: [ErrorPattern]) -> Report.Section {
        let rows = patterns.prefix(Self.topRows).map { pattern -> [Report.Cell] in
            [
                .number(Double(pattern.count), .count), .text(pattern.pattern), .text(pattern.pods.prefix(3).joined(separator: ", ")),
                .text(CivilTime(pattern.first).rfc3339()), .text(CivilTime(pattern.last).rfc3339()), .text(pattern.example),
            ]
        }
        let total = patterns.reduce(0) { $0 + $1.count }
        let left = patterns.count - rows.count
        return Report.Section(
            id: "errors", title: "Errors in the logs",
            text: patterns.isEmpty
                ? []
                : ["\(total) lines of severity error or worse fall into \(patterns.count) patterns" + (left > 0 ? "; the rarest \(left) are left out." : ".")],
            tables: [
                .init(
                    id: "errors",
                    columns: [
                        .init("Lines", key: "lines"), .init("Pattern", key: "pattern"), .init("Pods", key: "pods"), .init("First", key: "first"),
                        .init("Last", key: "last"), .init("Example", key: "example"),
                    ], rows: rows, empty: "No line of severity error or worse.")
            ])
    }

    func eventSection(_ events: [ClusterEvent]) -> Report.Section {
        let warnings = events.filter(\.isWarning)
        let rows = warnings.prefix(Self.topRows).map { event -> [Report.Cell] in
            [
                .text(CivilTime(event.last).rfc3339()), .text(event.reason), .text(event.object), .number(Double(event.count), .count),
                .text(event.message),
            ]
        }
        return Report.Section(
            id: "events", title: "Warnings from the cluster",
            text: warnings.count > rows.count ? ["The newest \(rows.count) of \(warnings.count)."] : [],
            tables: [
                .init(
                    id: "events",
                    columns: [
                        .init("Last", key: "last"), .init("Reason", key: "reason"), .init("Object", key: "object"), .init("Count", key: "count"),
                        .init("Message", key: "message"),
                    ], rows: rows, empty: "No warnings.")
            ])
    }

    func methodSection(_ coverage: Double) -> Report.Section {
        let missing = max(0, length.inSeconds * (1 - coverage))
        return Report.Section(
            id: "method", title: "What this report rests on",
            text: [
                "Period: \(CivilTime(from).rfc3339()) to \(CivilTime(through).rfc3339()), a point each \(ReportNumber.text(step.inSeconds, .seconds)). "
                    + "The node was measured for \(ReportNumber.text(coverage * 100, .percent)) of it"
                    + (missing > 60 ? "; for \(ReportNumber.text(missing, .seconds)) there is nothing, and nothing is said of that time." : "."),
                "Available = Σ min(ready, desired) ÷ Σ desired over the moments measured. A pod without a deployment is one of one.",
                "CPU: rate of container_cpu_usage_seconds_total over \(rateWindow). Memory: container_memory_working_set_bytes, that is usage less inactive page cache.",
                "Suggested CPU request: 95th percentile of the use, at least 10m. Suggested memory request: the largest working set and 15 %, at least 32 MiB. "
                    + "No suggestion is made from less than 24 hours.",
                "Restarts: the difference of kube_pod_container_status_restarts_total. Errors: lines that say they are errors; numbers, addresses and ids in them are masked to find patterns.",
            ])
    }
}
