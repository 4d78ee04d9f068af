import JSON
import Runtime

/// How the owner of a data directory reaches the running process that has it: written into the directory, for its owner alone.
///
/// Whoever can read the file could read the data too. It stays when the process is killed; whether one runs is told
/// by the store's lock.
struct AdminAccess: Sendable {
    var port: Int
    var token: String

    /// A new token.
    static func make(port: Int) -> AdminAccess {
        var generator = SystemRandomNumberGenerator()
        let words = (0..<2).map { _ in String(generator.next() as UInt64, radix: 36) }
        return AdminAccess(port: port, token: words.joined())
    }

    static func path(in dataDirectory: String) -> String { "\(dataDirectory)/admin.json" }

    func write(to dataDirectory: String) throws {
        let document: JSON = ["port": JSON(port), "token": .string(token)]
        try HostFileSystem().replace(Self.path(in: dataDirectory), document.bytes() + [0x0A], mode: 0o600)
    }

    /// Nil if there is none that can be read.
    static func read(from dataDirectory: String) -> AdminAccess? {
        guard let bytes = try? HostFileSystem().read(path(in: dataDirectory)), let document = try? JSON.parse(bytes),
            let port = document["port"].int, let token = document["token"].string
        else { return nil }
        return AdminAccess(port: port, token: token)
    }

    /// Compares in a time that does not tell how much is right.
    func accepts(_ given: String?) -> Bool {
        let (mine, theirs) = (Array("Bearer \(token)".utf8), Array((given ?? "").utf8))
        guard mine.count == theirs.count else { return false }
        return zip(mine, theirs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
