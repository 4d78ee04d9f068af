import JSON

/// Header fields in the order in which they came; names compare without regard to case.
public struct HTTPFields: Sendable, ExpressibleByDictionaryLiteral {
    public private(set) var list: [(name: String, value: String)] = []

    public init() {}
    public init(dictionaryLiteral elements: (String, String)...) { list = elements.map { ($0, $1) } }

    /// The first value of a field. Setting replaces all values; nil takes the field away.
    public subscript(name: String) -> String? {
        get { list.first { $0.name.equalsIgnoringCase(name) }?.value }
        set {
            list.removeAll { $0.name.equalsIgnoringCase(name) }
            if let newValue { list.append((name, newValue)) }
        }
    }

    public func all(_ name: String) -> [String] { list.filter { $0.name.equalsIgnoringCase(name) }.map(\.value) }
    public mutating func add(_ name: String, _ value: String) { list.append((name, value)) }
}

extension String {
    package func equalsIgnoringCase(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        for (a, b) in zip(utf8, other.utf8) where a != b {
            guard a | 0x20 == b | 0x20, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(a | 0x20) else { return false }
        }
        return true
    }
}

/// A request as a handler sees it: whole, its body read and bounded by the server.
public struct HTTPRequest: Sendable {
    public var method: String
    /// The path, percent-decoded, always starting with `/`.
    public var path: String
    /// The query's pairs, decoded, in order; and those of a form body, which the server adds for
    /// `application/x-www-form-urlencoded`.
    public var query: [(name: String, value: String)]
    public var fields: HTTPFields
    public var body: [UInt8]
    /// Who the transport says is asking; nil without TLS client certificate.
    public var client: ClientIdentity?

    /// The subject of a verified TLS client certificate.
    public struct ClientIdentity: Sendable, Hashable {
        public var commonName: String
        public var organizations: [String]
        public init(commonName: String, organizations: [String]) {
            self.commonName = commonName
            self.organizations = organizations
        }
    }

    public init(
        method: String = "GET", path: String, query: [(name: String, value: String)] = [], fields: HTTPFields = [:],
        body: [UInt8] = [], client: ClientIdentity? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        self.body = body
        self.client = client
    }

    /// The first value of a query parameter.
    public func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
    public func parameters(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }
}

/// Where a streaming answer goes. Each write is sent at once and returns when the transport can take more,
/// so a slow reader slows its writer; it throws when the client has gone.
public protocol HTTPBodyWriter: Sendable {
    func write(_ bytes: [UInt8]) async throws
}

public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Sent in chunks as they are written; ends when the closure returns. The closure's task is
        /// cancelled when the client goes.
        case stream(@Sendable (any HTTPBodyWriter) async throws -> Void)
    }

    public var status: Int
    public var fields: HTTPFields
    public var body: Body
    /// What the connection becomes if the request asks for a WebSocket; else the rest is the answer. Its life is the closure's,
    /// whose task is cancelled when the client goes.
    public var webSocket: (@Sendable (any WebSocket) async throws -> Void)?

    public init(status: Int = 200, fields: HTTPFields = [:], body: Body = .bytes([])) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, fields: ["Content-Type": "text/plain; charset=utf-8"], body: .bytes(Array(text.utf8)))
    }

    /// For a path that is a WebSocket and nothing else.
    public static func webSocket(_ body: @escaping @Sendable (any WebSocket) async throws -> Void) -> HTTPResponse {
        var response = HTTPResponse.text("this is a WebSocket: connect with one, by GET, Connection: Upgrade and Upgrade: websocket\n", status: 426)
        response.fields["Upgrade"] = "websocket"
        response.webSocket = body
        return response
    }

    public static func json(_ document: JSON, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, fields: ["Content-Type": "application/json"], body: .bytes(document.bytes()))
    }
}

/// Something that answers requests. It never throws: a failure is an answer too.
public protocol HTTPHandler: Sendable {
    func respond(to request: HTTPRequest) async -> HTTPResponse
}

/// A handler made of a closure.
public struct HTTPClosureHandler: HTTPHandler {
    let closure: @Sendable (HTTPRequest) async -> HTTPResponse
    public init(_ closure: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) { self.closure = closure }
    public func respond(to request: HTTPRequest) async -> HTTPResponse { await closure(request) }
}
