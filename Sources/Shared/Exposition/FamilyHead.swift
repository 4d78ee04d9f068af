/// A family's name, meaning and kind as both text forms show them, rendered once for the life of the program.
public struct FamilyHead: Sendable {
    public let name: String
    public let help: String
    public let kind: MetricFamily.Kind
    let prometheus: Rendered
    let openMetrics: Rendered

    struct Rendered: Sendable {
        /// `# HELP` and `# TYPE` with their line feeds.
        var header: [UInt8]
        /// What each sample's line begins with.
        var sample: [UInt8]
    }

    /// `kind` is a counter, a gauge or untyped: families whose samples have suffixes go through `PageWriter.append`.
    public init(name: String, help: String, kind: MetricFamily.Kind) {
        self.name = name
        self.help = help
        self.kind = kind
        func rendered(_ format: TextFormat) -> Rendered {
            var header: [UInt8] = []
            format.write(MetricFamily(name: name, help: help, kind: kind), to: &header)
            let hasSuffix = format == .prometheus || kind != .counter || name.hasSuffix("_total")
            return Rendered(header: header, sample: Array((hasSuffix ? name : name + "_total").utf8))
        }
        prometheus = rendered(.prometheus)
        openMetrics = rendered(.openMetrics)
    }
}
