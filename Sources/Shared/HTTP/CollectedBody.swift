/// Keeps what a streamed answer writes, for callers that want it whole.
public actor CollectedBody: HTTPBodyWriter {
    public private(set) var bytes: [UInt8] = []
    public init() {}
    public func write(_ more: [UInt8]) { bytes += more }
}

extension HTTPResponse {
    /// The body, however it is made. Without a bound: for bodies that are known to be small, and for tests.
    public func wholeBody() async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(let produce):
            let collected = CollectedBody()
            try await produce(collected)
            return await collected.bytes
        }
    }
}
