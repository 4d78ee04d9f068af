import Glibc
import Runtime

/// The key under which secrets become marks: made once for a data directory, readable by its owner alone.
public enum RedactionKey {
    static let bytes = 32

    /// Reads it, or makes it if it is not there. Refuses a file that others could read or that holds something else.
    public static func open(_ path: String) throws -> [UInt8] {
        if let made = try make(path) { return made }
        let file = try HostFile(path, flags: O_RDONLY | O_NOFOLLOW)
        let status = try file.status()
        guard status.isRegular, status.mode & 0o077 == 0 else {
            throw LogTailError.badKey(path: path, problem: "others than its owner may read it", remedy: "chmod 600 \(path)")
        }
        let key = try file.read(at: 0, count: bytes + 1)
        guard key.count == bytes else {
            throw LogTailError.badKey(
                path: path, problem: "it does not hold \(bytes) bytes", remedy: "restore it from a backup, or remove it: marks of secrets then change")
        }
        return key
    }

    /// nil if it is there already.
    private static func make(_ path: String) throws -> [UInt8]? {
        let temporary = "\(path).new"
        guard !HostFileSystem().exists(path) else { return nil }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try HostFileSystem().remove(temporary)
        do {
            let file = try HostFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try file.write(key)
            try file.sync()
        }
        try HostFileSystem().rename(temporary, to: path)
        return key
    }
}
