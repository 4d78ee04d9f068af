import ArgumentParser

/// The flags of the metric store and of queries: one for each key of `SettingKey.store`.
struct StoreOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long samples are kept: a duration such as 15d, or unlimited.", valueName: "duration")) var retention: String?
    @Option(help: ArgumentHelp("Of all files of metrics; beyond it the oldest days are removed.", valueName: "size")) var retentionSize: String?
    @Option(
        help: ArgumentHelp("Series that are kept for less, such as '{namespace=\"dev\"}=7d'; may come several times.", valueName: "selector=duration"))
    var retentionRule: [String] = []
    @Option(help: ArgumentHelp("How late a sample may come: a duration, or unlimited.", valueName: "duration")) var outOfOrderWindow: String?
    @Option(help: ArgumentHelp("Series that may be written to at a time; new ones beyond it are refused.", valueName: "n")) var maxSeries: String?
    @Option(help: ArgumentHelp("Of these, series of one metric.", valueName: "n")) var maxSeriesPerMetric: String?
    @Option(help: ArgumentHelp("What one query may hold, by an estimate.", valueName: "size")) var queryMaxMemory: String?
    @Option(help: ArgumentHelp("Samples that one query may hold.", valueName: "n")) var queryMaxSamples: String?
    @Option(help: ArgumentHelp("How long one query may run.", valueName: "duration")) var queryTimeout: String?
    @Option(help: ArgumentHelp("Whose web pages may read answers of the query port in a browser; * is any.", valueName: "origin"))
    var queryAllowedOrigin: String?
    @Flag(name: .customLong("enable-admin-api"), help: "Let the query port delete series and make snapshots for whoever asks.") var enableAdminAPI = false

    /// The flags that were given, by key.
    var given: [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("retention", retention), ("retention-size", retentionSize),
            ("retention-rule", retentionRule.isEmpty ? nil : retentionRule.joined(separator: "\n")),
            ("out-of-order-window", outOfOrderWindow), ("max-series", maxSeries), ("max-series-per-metric", maxSeriesPerMetric),
            ("query-max-memory", queryMaxMemory), ("query-max-samples", queryMaxSamples), ("query-timeout", queryTimeout),
            ("query-allowed-origin", queryAllowedOrigin),
            ("enable-admin-api", enableAdminAPI ? "true" : nil),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}
