/// Which file it is, whatever its name: rotation renames files, and an inode number is used again as soon as it is free,
/// so the beginning of the text counts too.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    /// Hash of the first line, or of the first 256 bytes of a longer one. It never changes while the file only grows.
    var fingerprint: UInt64

    static let fingerprintBytes = 256

    /// nil while the first line is not whole: there is nothing to read yet either.
    static func fingerprint(_ beginning: [UInt8]) -> UInt64? {
        let prefix = beginning.prefix(fingerprintBytes)
        let end: Int
        if let lineFeed = prefix.firstIndex(of: 0x0A) {
            end = lineFeed + 1
        } else if prefix.count == fingerprintBytes {
            end = fingerprintBytes
        } else {
            return nil
        }
        // FNV-1a.
        return prefix[..<end].reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

/// What to do about the files of one container directory, given what is there and what is followed. Pure.
enum TailPlan {
    /// A file that is there.
    struct Listed: Hashable {
        var name: String
        var device: UInt64
        var inode: UInt64
        var size: Int64
        /// nil while the first line is not whole.
        var fingerprint: UInt64?
        /// The first bytes, at most 256.
        var beginning: [UInt8] = []
    }

    /// A file that is followed.
    struct Followed: Hashable {
        var number: Int
        var name: String
        var identity: FileIdentity
        /// How far it was read.
        var offset: Int64
        /// The first bytes as far as they were seen.
        var beginning: [UInt8] = []
    }

    enum Action: Hashable {
        /// A file that is new to us: follow it, from its checkpoint or its beginning.
        case follow(Listed)
        /// A followed file has another name now.
        case rename(Int, to: String)
        /// A followed file was cut in place and has the same first line: read it from its beginning, as a new file.
        case restart(Int, beginning: [UInt8])
        /// A followed file was overwritten in place, as copytruncate does: what it held is gone.
        case forget(Int)
        /// A followed file is no longer there: read what the open descriptor still has, then let go.
        case drain(Int)
    }

    static func actions(listed: [Listed], followed: [Followed]) -> [Action] {
        var actions: [Action] = []
        var seen: Set<Int> = []
        for file in listed {
            let sameInode = followed.filter { $0.identity.device == file.device && $0.identity.inode == file.inode }
            if let known = sameInode.first(where: { $0.identity.fingerprint == file.fingerprint }) {
                seen.insert(known.number)
                if file.size < known.offset || !file.beginning.starts(with: known.beginning) {
                    actions.append(.restart(known.number, beginning: file.beginning))
                }
                if known.name != file.name { actions.append(.rename(known.number, to: file.name)) }
            }
            // An open descriptor keeps its inode from being used again, so another beginning means another text in place.
            for known in sameInode where known.identity.fingerprint != file.fingerprint && seen.insert(known.number).inserted {
                actions.append(.forget(known.number))
            }
            if file.fingerprint != nil, !sameInode.contains(where: { $0.identity.fingerprint == file.fingerprint }) { actions.append(.follow(file)) }
        }
        for file in followed where !seen.contains(file.number) { actions.append(.drain(file.number)) }
        return actions
    }
}
