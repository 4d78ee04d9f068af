import Telemetry

/// What labels a series may have. Names may be any UTF-8, as in Prometheus 3; sizes are bounded, because each
/// text stays in memory as long as its series.
enum LabelRule {
    static let maxLabels = 128
    static let maxNameBytes = 1024
    static let maxValueBytes = 16_384

    /// What is wrong; nil if nothing is.
    static func violation(_ labels: Labels) -> String? {
        guard !labels.isEmpty else { return "a series without labels" }
        guard labels.count <= maxLabels else { return "a series of \(labels.count) labels, the limit is \(maxLabels)" }
        var previous: String?
        for label in labels.list {
            guard !label.name.isEmpty, !label.value.isEmpty else { return "a label without name or value" }
            guard label.name.utf8.count <= maxNameBytes else { return "a label name of \(label.name.utf8.count) bytes, the limit is \(maxNameBytes)" }
            guard label.value.utf8.count <= maxValueBytes else {
                return "a value of \(label.value.utf8.count) bytes of the label \(label.name), the limit is \(maxValueBytes)"
            }
            if let previous, previous >= label.name { return "the label \(label.name) twice or out of order" }
            previous = label.name
        }
        return nil
    }
}
