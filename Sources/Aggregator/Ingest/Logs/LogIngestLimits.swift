/// What a sender of log lines may ask for. Beyond it the request or the line is refused with a reason, and counted.
public struct LogIngestLimits: Sendable {
    /// Of a body as it comes; the server refuses longer ones before they are read.
    public var bodyBytes = 64 << 20
    /// Of a body once it is unpacked.
    public var unpackedBytes = 256 << 20
    /// Of all requests that are being read and written at once, unpacked, by estimate; beyond it they are turned away.
    public var bytesAtOnce = 512 << 20
    /// Of one line.
    public var lineBytes = 16 << 20
    public var labelsPerStream = 64
    public var labelBytes = 16 << 10
    /// Beside one line; what is more is left out and counted.
    public var fieldsPerRecord = 1024
    /// Of JSON and msgpack within one another.
    public var depth = 128
    /// Requests that may wait for room in the store before others are turned away.
    public var patientRequests = 16
    /// How long one waits.
    public var patience: Duration = .seconds(5)
    /// Of Loki's pushes: how many are remembered, and for how long, to know a retry.
    public var rememberedPushes = 100_000
    public var pushMemory: Duration = .seconds(600)
    /// Of forward's chunks.
    public var rememberedChunks = 500_000
    public var chunkMemory: Duration = .seconds(86_400)
    /// Of documents with an `_id`.
    public var rememberedDocuments = 1_000_000
    public var documentMemory: Duration = .seconds(86_400)
    /// Templates, policies and pipelines that clients of Elasticsearch leave here.
    public var keptSettings = 1000
    public var keptSettingsBytes = 16 << 20
    /// Datagrams that wait to be stored; further ones are lost, and counted.
    public var waitingDatagramBytes = 16 << 20
    /// Of one syslog message in a stream.
    public var syslogMessageBytes = 1 << 20

    public init() {}
}
