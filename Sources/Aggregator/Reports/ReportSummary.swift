/// The sentences at the top: what a team lead reads if nothing else.
enum ReportSummary {
    static func sentences(
        workloads: [ReportBuilder.Workload], restarts: [ReportBuilder.Restart], usage: [ReportBuilder.Usage], patterns: [ErrorPattern], coverage: Double
    ) -> [String] {
        var sentences: [String] = []
        if let worst = workloads.first, worst.availability < 0.999 {
            sentences.append(
                "\(worst.namespace)/\(worst.name) was available for \(ReportNumber.text(worst.availability * 100, .percent)), the least of \(workloads.count) workloads."
            )
        } else if !workloads.isEmpty {
            sentences.append("All \(workloads.count) workloads were available for at least 99.9 % of the time measured.")
        }
        let total = restarts.reduce(0) { $0 + $1.count }
        if let most = restarts.first {
            sentences.append(
                "Containers restarted \(total == 1 ? "once" : "\(Int(total)) times"), most often \(most.namespace)/\(most.pod) (\(Int(most.count)), \(most.reason))."
            )
        } else {
            sentences.append("No container restarted.")
        }
        if let loudest = patterns.first {
            let lines = patterns.reduce(0) { $0 + $1.count }
            sentences.append("\(lines) log lines were errors, \(loudest.count) of them of one pattern: \(loudest.pattern)")
        } else {
            sentences.append("No log line was an error.")
        }
        if let largest = usage.max(by: { $0.cpuMean < $1.cpuMean }) {
            sentences.append("The most CPU went to \(largest.name): \(ReportNumber.text(largest.cpuMean, .cores)) on average.")
        }
        if coverage < 0.95 {
            sentences.append("Only \(ReportNumber.text(coverage * 100, .percent)) of the period was measured; the rest is unknown.")
        }
        return sentences
    }
}
