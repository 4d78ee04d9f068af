import Crypto
import HTTP
import JSON

/// The opening handshake of RFC 6455, section 4, as functions of header fields.
enum WebSocketHandshake {
    /// What a server answers: the switch, or a refusal in words.
    enum Verdict {
        case accept(HTTPFields)
        case refuse(HTTPResponse)
    }

    static func answer(_ fields: HTTPFields) -> Verdict {
        guard fields["Sec-WebSocket-Version"]?.spaceless == "13" else {
            var response = HTTPResponse.text("only version 13 of the WebSocket protocol is spoken here\n", status: 426)
            response.fields["Sec-WebSocket-Version"] = "13"
            return .refuse(response)
        }
        guard let key = fields["Sec-WebSocket-Key"]?.spaceless, Base64.decode(key)?.count == 16 else {
            return .refuse(.text("Sec-WebSocket-Key is not the base64 form of 16 bytes\n", status: 400))
        }
        // A page of another site could otherwise read all logs through the browser of who may: WebSockets are not under the
        // same-origin rule, the server has to look.
        if let origin = fields["Origin"], !isSame(origin, host: fields["Host"] ?? "") {
            return .refuse(.text("a WebSocket of another origin (\(origin)) is refused\n", status: 403))
        }
        return .accept(["Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept(key)])
    }

    /// Whether the request asks for a WebSocket, rightly or not.
    static func isAsked(method: String, _ fields: HTTPFields) -> Bool {
        method == "GET" && mentions(fields, "Upgrade", "websocket") && mentions(fields, "Connection", "upgrade")
    }

    /// The proof that the server has understood.
    static func accept(_ key: String) -> String {
        Base64.encode(Array(Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))))
    }

    private static func isSame(_ origin: String, host: String) -> Bool {
        guard let scheme = origin.firstRange(of: "://") else { return false }
        return String(origin[scheme.upperBound...]).equalsIgnoringCase(host)
    }

    /// Whether a list of tokens has one.
    private static func mentions(_ fields: HTTPFields, _ name: String, _ token: String) -> Bool {
        fields.all(name).contains { $0.split(separator: ",").contains { String($0).spaceless.equalsIgnoringCase(token) } }
    }
}

extension String {
    fileprivate var spaceless: String { filter { $0 != " " && $0 != "\t" } }
}
