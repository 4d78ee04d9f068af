/// How a call of gRPC ended when it did not end well.
public struct GRPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
    /// The codes that callers tell apart (grpc/grpc, doc/statuscodes.md).
    public enum Code: Int, Sendable {
        case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
        case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, internalError, unavailable, dataLoss
        case unauthenticated
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message.isEmpty ? "\(code)" : "\(code): \(message)" }

    /// From the answer's last header fields; a number that is no code is `unknown`.
    init(code text: String, message: String?) {
        self.init(Int(text).flatMap(Code.init(rawValue:)) ?? .unknown, Self.decoded(message ?? ""))
    }

    /// `grpc-message` is percent-encoded; it is cut at 500 bytes, since a server writes what it likes.
    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8.prefix(500))[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
