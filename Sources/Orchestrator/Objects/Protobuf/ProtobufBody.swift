import JSON

/// A request body of type `application/vnd.kubernetes.protobuf`: what kubectl 1.32 and later send for what it builds itself
/// (`create deployment`, `create configmap`, …), with no second try in JSON.
///
/// Four magic bytes, then `Unknown{1 typeMeta{1 apiVersion, 2 kind}, 2 raw, 3 contentEncoding, 4 contentType}`.
public struct ProtobufBody: Sendable {
    public static let contentType = "application/vnd.kubernetes.protobuf"
    /// `k8s` and a zero.
    public static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    public let apiVersion: String
    public let kind: String
    private let message: ArraySlice<UInt8>

    /// - Throws: 400 for what is no such body.
    public init(_ body: [UInt8]) throws(StatusError) {
        guard body.starts(with: Self.magic) else {
            throw StatusError(.badRequest, "the body is said to be \(Self.contentType) but does not start with \"k8s\\0\"")
        }
        var (apiVersion, kind) = ("", "")
        var message: ArraySlice<UInt8> = []
        do {
            var reader = ProtobufReader(body[4...])
            while let (number, value) = try reader.next() {
                guard case .bytes(let bytes) = value else { continue }
                if number == 2 { message = bytes }
                guard number == 1 else { continue }
                var meta = ProtobufReader(bytes)
                while let (field, value) = try meta.next() {
                    guard case .bytes(let text) = value else { continue }
                    if field == 1 { apiVersion = String(decoding: text, as: UTF8.self) }
                    if field == 2 { kind = String(decoding: text, as: UTF8.self) }
                }
            }
        } catch {
            throw Self.broken(error)
        }
        self.apiVersion = apiVersion
        self.kind = kind
        self.message = message
    }

    private static func broken(_ error: ProtobufReader.Failure) -> StatusError {
        StatusError(.badRequest, "the protobuf body is cut off or damaged at byte \(error.offset)")
    }

    /// The object as JSON with `apiVersion` and `kind`, still to be decoded by `kind`.
    /// - Throws: 400 for a damaged message, or if the body is of another kind.
    public func json(as kind: Kind) throws(StatusError) -> JSON {
        var members = JSONObject([("apiVersion", .string(apiVersion)), ("kind", .string(self.kind))])
        guard self.kind == kind.kind, apiVersion == kind.apiVersion else { return .object(members) }
        do {
            try ProtobufDecoder.members(message, kind.schema, into: &members)
        } catch {
            throw Self.broken(error)
        }
        return .object(members)
    }
}
