import Runtime
import Telemetry

/// Files that were compressed after they were rotated.
extension LogTailer {
    /// A compressed file: what was read of it before it was compressed is not read again, what was missed is.
    func unpack(_ name: String, _ parsed: LogFileName, _ followed: FollowedSource, _ now: Int64) {
        let path = "\(followed.source.directory)/\(name)"
        guard let status = try? fileSystem.status(path), status.isRegular, status.size > 0, !followed.unreadable.contains(status.inode) else { return }
        if let known = followed.files.first(where: { $0.name.isCompressed && $0.identity.inode == status.inode }) {
            (known.name, known.nameText) = (parsed, name)
            known.reappear()
            return
        }
        if let limit = followed.source.ignoreOlder, now - status.modified > limit { return }
        if let index = followed.rows.firstIndex(where: { $0.identity.inode == status.inode && $0.packedSize == status.size && $0.packedSize > 0 }) {
            let row = followed.rows.remove(at: index)
            note(finished: row, name, parsed, followed, now)
            return
        }
        guard hasRoom(0, now), let file = try? fileSystem.open(path) else {
            followed.isSuspect = true
            return
        }
        let content = GzipFile(file)
        guard let beginning = try? content.read(at: 0, count: FileIdentity.fingerprintBytes), let fingerprint = FileIdentity.fingerprint(beginning) else {
            // Cut off, or no gzip; told once.
            followed.unreadable.insert(status.inode)
            metrics.compressed.increment()
            return
        }
        let identity = FileIdentity(device: status.device, inode: status.inode, fingerprint: fingerprint)
        func isSame(_ other: UInt64, _ bytes: [UInt8]) -> Bool { other == fingerprint && beginning.starts(with: bytes) }
        // Its content is read, or still being read, from the file that it was made of.
        if let plain = followed.files.first(where: { !$0.name.isCompressed && isSame($0.identity.fingerprint, $0.beginning) && ($0.isGone || $0.isRotated) }) {
            note(
                finished: .init(
                    source: followed.source.key, name: name, identity: identity, generation: plain.generation, offset: plain.size, origin: plain.originKey,
                    beginning: beginning, packedSize: status.size), acknowledged: plain.acknowledged, name, parsed, followed, now)
            return
        }
        if let done = followed.finished.first(where: { isSame($0.fingerprint, $0.beginning) }) {
            note(
                finished: .init(
                    source: followed.source.key, name: name, identity: identity, generation: 0, offset: done.offset, origin: done.originKey,
                    beginning: beginning, packedSize: status.size), name, parsed, followed, now)
            return
        }
        let row = followed.rows.firstIndex { isSame($0.identity.fingerprint, $0.beginning) }.map { followed.rows.remove(at: $0) }
        let offset = row?.offset ?? 0
        if row == nil, followed.source.startsAtEnd, followed.isFirstListing { return followed.unreadable.formUnion([status.inode]) }
        let begun = FollowedFile(
            number: nextNumber, name: parsed, nameText: name, identity: identity, generation: row?.generation ?? 0,
            originKey: row.flatMap { $0.origin.isEmpty ? nil : $0.origin } ?? originKey(identity, 0, followed), beginning: beginning, handle: content,
            offset: offset, size: offset + 1, now: now)
        begun.packedSize = status.size
        if let row, row.identity != identity { removedRows.append(row) }
        nextNumber += 1
        openFiles += 1
        metrics.unpacked.increment()
        followed.files.append(begun)
        begunRows.append(self.row(followed, begun))
    }

    /// Keeps a compressed file in mind that needs no reading.
    private func note(
        finished row: Checkpoints.Row, acknowledged: Int64? = nil, _ name: String, _ parsed: LogFileName, _ followed: FollowedSource, _ now: Int64
    ) {
        let file = FollowedFile(
            number: nextNumber, name: parsed, nameText: name, identity: row.identity, generation: row.generation, originKey: row.origin,
            beginning: row.beginning, handle: nil, offset: row.offset, size: row.offset, now: now)
        file.packedSize = row.packedSize
        // Not before the file that it was made of is wholly acknowledged does its row say that it is done: a process that starts
        // after a crash reads the rest from here.
        file.acknowledged = acknowledged ?? row.offset
        nextNumber += 1
        followed.files.append(file)
        begunRows.append(self.row(followed, file))
    }
}
