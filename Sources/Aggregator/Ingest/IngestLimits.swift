import Telemetry

/// What a sender may ask for. Beyond it the request or the series is refused with a reason, and counted.
public struct IngestLimits: Sendable {
    /// Of a body as it comes; the server refuses longer ones before they are read.
    public var bodyBytes = 32 << 20
    /// Of a body once it is unpacked.
    public var unpackedBytes = 64 << 20
    /// Of all requests that are being read and written at once, unpacked, by estimate; beyond it they are turned away.
    public var bytesAtOnce = 512 << 20
    public var labelsPerSeries = 128
    public var labelNameBytes = 1024
    public var labelValueBytes = 16 << 10
    /// Of a `# HELP` or the like; the rest is cut off.
    public var helpBytes = 4096
    /// Series that each way in remembers by their bytes.
    public var rememberedSeries = 500_000
    /// Memory for what their senders call them.
    public var rememberedBytes = 128 << 20
    /// Requests that may wait for room in the store before others are turned away.
    public var patientRequests = 16
    /// How long one waits.
    public var patience: Duration = .seconds(5)

    public init() {}

    /// Why a series may not come in; nil if it may.
    func problem(_ labels: Labels) -> String? {
        guard !labels.name.isEmpty else { return "a series has no __name__: \(Self.short("\(labels)"))" }
        guard labels.count <= labelsPerSeries else {
            return "a series of \(Self.short(labels.name)) has \(labels.count) labels, the limit is \(labelsPerSeries)"
        }
        if let name = labels.firstDouble { return "a series of \(Self.short(labels.name)) has the label \(Self.short(name)) twice" }
        for label in labels.list {
            if label.name.isEmpty { return "a series of \(Self.short(labels.name)) has a label without a name" }
            if label.name.utf8.count > labelNameBytes {
                return "a series of \(Self.short(labels.name)) has a label name of \(label.name.utf8.count) bytes, the limit is \(labelNameBytes)"
            }
            if label.value.utf8.count > labelValueBytes {
                return "the label \(label.name) of a series of \(Self.short(labels.name)) has \(label.value.utf8.count) bytes, the limit is \(labelValueBytes)"
            }
        }
        return nil
    }

    /// The beginning of what a stranger wrote, for a message.
    static func short(_ text: String) -> String { text.utf8.count <= 120 ? text : String(text.prefix(100)) + "…" }
}
