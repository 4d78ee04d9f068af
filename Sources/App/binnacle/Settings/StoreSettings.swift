import PromQL
import SeriesStore
import Telemetry

/// What the metric store keeps and what a query may take: the same keys for `up` and `aggregate`.
struct StoreSettings: Sendable {
    /// A shorter retention of some series, as it was written: `{namespace="dev"}=7d`.
    struct Rule: Sendable {
        var text: String
        var rule: SeriesStoreConfiguration.Rule
    }

    var retention = Duration.seconds(15 * 86_400)
    var retentionRules: [Rule] = []
    /// Bytes of all files; nil is no bound.
    var retentionBytes: Int?
    var outOfOrderWindow = Duration.seconds(86_400)
    var maxSeries = 1_000_000
    var maxSeriesPerMetric = 1_000_000
    /// Bytes.
    var queryMaxMemory = 1 << 30
    var queryMaxSamples = 50_000_000
    var queryTimeout = Duration.seconds(120)
    /// Of the web pages that may read answers of the query port; `*` is any, nil none.
    var queryAllowedOrigin: String?
    /// Whether the query port deletes series and makes snapshots for whoever asks.
    var enableAdminAPI = false

    var configuration: SeriesStoreConfiguration {
        var configuration = SeriesStoreConfiguration()
        configuration.retention = retention
        configuration.retentionRules = retentionRules.map(\.rule)
        configuration.maxBytes = retentionBytes
        configuration.outOfOrderWindow = outOfOrderWindow
        configuration.maxSeries = maxSeries
        configuration.maxSeriesPerMetric = maxSeriesPerMetric
        configuration.maxSamplesPerQuery = queryMaxSamples
        return configuration
    }
}

extension SettingKey {
    static let store: [SettingKey] = [
        duration("retention", "How long samples are kept.", \.store.retention),
        SettingKey(
            name: "retention-size", help: "Of all files of metrics; beyond it the oldest days are removed.", expected: "a size such as 50GB, or unlimited",
            read: { $0.store.retentionBytes.map(ByteSize.text) ?? "unlimited" },
            write: { settings, text in
                guard text == "unlimited" || (ByteSize.parse(text) ?? 0) > 0 else { return false }
                settings.store.retentionBytes = text == "unlimited" ? nil : ByteSize.parse(text)
                return true
            }),
        SettingKey(
            name: "retention-rule", help: "Series that are kept for less; may come several times.",
            expected: "a selector, = and a duration: '{namespace=\"dev\"}=7d'",
            read: { $0.store.retentionRules.map(\.text).joined(separator: "\n") },
            write: { settings, text in
                let lines = text.split(separator: "\n").map(String.init)
                let rules = lines.compactMap(StoreSettings.Rule.init)
                guard rules.count == lines.count else { return false }
                settings.store.retentionRules = rules
                return true
            }, isList: true),
        duration("out-of-order-window", "How late a sample may come.", \.store.outOfOrderWindow),
        count("max-series", "Series that may be written to at a time; new ones beyond it are refused.", \.store.maxSeries),
        count("max-series-per-metric", "Of these, series of one metric.", \.store.maxSeriesPerMetric),
        SettingKey(
            name: "query-max-memory", help: "What one query may hold, by an estimate.", expected: "a size such as 512MB",
            read: { ByteSize.text($0.store.queryMaxMemory) },
            write: { settings, text in
                guard let bytes = ByteSize.parse(text), bytes > 0 else { return false }
                settings.store.queryMaxMemory = bytes
                return true
            }),
        count("query-max-samples", "Samples that one query may hold.", \.store.queryMaxSamples),
        SettingKey(
            name: "query-timeout", help: "How long one query may run.", expected: "a duration such as 2m",
            read: { durationText($0.store.queryTimeout) },
            write: { settings, text in
                guard let value = TimeArgument.parseDuration(text) else { return false }
                settings.store.queryTimeout = value
                return true
            }),
        SettingKey(
            name: "query-allowed-origin", help: "Whose web pages may read answers of the query port in a browser (CORS).",
            expected: "an origin such as https://dash.example, *, or none", read: { $0.store.queryAllowedOrigin ?? "none" },
            write: { settings, text in
                // What stands in a header must not end it.
                guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
                settings.store.queryAllowedOrigin = text == "none" ? nil : text
                return true
            }),
        SettingKey(
            name: "enable-admin-api", help: "Whether the query port deletes series and makes snapshots for whoever asks.", expected: "true or false",
            read: { "\($0.store.enableAdminAPI)" },
            write: { settings, text in
                guard let value = Bool(text) else { return false }
                settings.store.enableAdminAPI = value
                return true
            }),
    ]

    private static func count(_ name: String, _ help: String, _ path: any WritableKeyPath<Settings, Int> & Sendable) -> SettingKey {
        SettingKey(
            name: name, help: help, expected: "a whole number above 0", read: { "\($0[keyPath: path])" },
            write: { settings, text in
                guard let value = Int(text), value > 0 else { return false }
                settings[keyPath: path] = value
                return true
            })
    }
}

extension StoreSettings.Rule {
    /// Nil if it is not a selector, `=` and a duration.
    init?(_ text: String) {
        guard let equals = text.lastIndex(of: "="), let retention = TimeArgument.parseDuration(String(text[text.index(after: equals)...])) else { return nil }
        do throws(QueryError) {
            self.init(text: text, rule: .init(matchers: try Parser.parseSelector(String(text[..<equals])), retention: retention))
        } catch {
            return nil
        }
    }
}

/// Sizes as people write them. `GB` means 2^30 bytes, as in Prometheus' flags; `GiB` says so.
enum ByteSize {
    private static let units: [(name: String, shift: Int)] = [("B", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40), ("P", 50)]

    static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).uppercased()
        guard let count = Int(digits), let known = units.first(where: { $0.name == unit.prefix(1) || (unit.isEmpty && $0.shift == 0) }),
            ["", "B", known.name, known.name + "B", known.name + "IB"].contains(unit), count < 1 << (62 - known.shift)
        else { return nil }
        return count << known.shift
    }

    /// The shortest that says it exactly.
    static func text(_ bytes: Int) -> String {
        let unit = units.last { $0.shift > 0 && bytes > 0 && bytes % (1 << $0.shift) == 0 }
        return unit.map { "\(bytes >> $0.shift)\($0.name)B" } ?? "\(bytes)B"
    }
}
