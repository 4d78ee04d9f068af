import SeriesStore
import Telemetry

/// What OpenMetrics says of a metric before its samples.
struct OpenMetricsFamily {
    var name: String
    private var metadata: MetricMetadata

    /// The family that series of this name belong to; nil if nothing is known of it. A sender's metadata may name a counter with its
    /// `_total` or without, and a histogram's parts by the histogram.
    init?(of series: String, _ known: [String: MetricMetadata]) {
        for suffix in ["", "_total", "_bucket", "_count", "_sum", "_created", "_info", "_gcount", "_gsum"] where series.hasSuffix(suffix) {
            let stem = String(series.dropLast(suffix.utf8.count))
            guard let found = known[stem] else { continue }
            metadata = found
            name = stem
            if found.type == "counter", stem.hasSuffix("_total") { name = String(stem.dropLast(6)) }
            // A counter whose series do not end as OpenMetrics wants them cannot be called one.
            if found.type == "counter", !series.hasSuffix("_total"), !series.hasSuffix("_created") { metadata.type = "unknown" }
            if found.type == "info", !series.hasSuffix("_info") { metadata.type = "unknown" }
            return
        }
        return nil
    }

    var head: [UInt8] {
        var text = "# TYPE \(name) \(metadata.type)\n"
        if !metadata.unit.isEmpty, name.hasSuffix("_\(metadata.unit)") { text += "# UNIT \(name) \(metadata.unit)\n" }
        if !metadata.help.isEmpty { text += "# HELP \(name) \(metadata.help.escapedForLabel)\n" }
        return Array(text.utf8)
    }
}
