import Glibc
import Runtime

/// A directory of its own for one test; removed with the object.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init(_ name: String = "test") {
        let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/binnacle-\(name)-XXXXXX\0".utf8).map { CChar(bitPattern: $0) }
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        precondition(made, "cannot make a temporary directory under \(base)")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? HostFileSystem().removeTree(path) }

    public func file(_ name: String) -> String { "\(path)/\(name)" }
}
