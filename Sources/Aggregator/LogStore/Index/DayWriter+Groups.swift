import SQLite

/// Signatures are put side by side when there are enough of them, and then into larger groups.
extension DayWriter {
    static let smallGroup = 64

    /// Puts the signatures of some chunks, which stand alone, into a group.
    func group(_ chunks: [Int64]) throws {
        var signatures: [[UInt8]] = []
        for chunk in chunks {
            signatures.append(try database.scalar("SELECT body FROM signature WHERE chunk=?", .integer(chunk))?.blob ?? [])
        }
        try database.transaction {
            try insert(chunks, signatures)
            for chunk in chunks { try database.run("DELETE FROM signature WHERE chunk=?", .integer(chunk)) }
        }
    }

    /// Joins groups. False if one of them is damaged; then they stay as they are.
    func join(_ groups: [SignatureGroup]) throws -> Bool {
        var signatures: [[UInt8]] = []
        for group in groups {
            guard let own = try group.signatures(page: { try slice($0, of: group.id) }) else { return false }
            signatures += own
        }
        try database.transaction {
            for group in groups { try remove(group) }
            try insert(groups.flatMap(\.members), signatures)
        }
        return true
    }

    /// Takes purged chunks out of the groups: nothing of their text is left there.
    func forget(_ chunks: [Int64]) throws {
        guard !chunks.isEmpty else { return }
        let gone = Set(chunks)
        for group in try groups() where group.members.contains(where: { gone.contains($0) }) {
            let kept = group.members.indices.filter { !gone.contains(group.members[$0]) }
            let signatures: [[UInt8]]? = try group.signatures(page: { try slice($0, of: group.id) })
            try remove(group)
            // The chunks of a damaged group are read without an index from here on.
            guard let signatures, !kept.isEmpty else { continue }
            try insert(kept.map { group.members[$0] }, kept.map { signatures[$0] })
        }
    }

    private func insert(_ chunks: [Int64], _ signatures: [[UInt8]]) throws {
        var bits = 8
        for signature in signatures {
            let size = signature.count * 8
            if size > bits, size <= GramSignature.maximumBits, size.nonzeroBitCount == 1 { bits = size }
        }
        let id = (try database.scalar("SELECT max(id) FROM grouping")?.integer ?? 0) + 1
        let group = SignatureGroup(id: id, bits: bits, members: chunks)
        try database.run(
            "INSERT INTO grouping VALUES(?, ?, ?, ?)", .integer(id), .integer(Int64(bits)), .blob(group.memberBytes), .integer(group.checksum))
        for (number, page) in group.pages(of: signatures).enumerated() {
            try database.run("INSERT INTO slice VALUES(?, ?)", .integer(DayFile.sliceID(group: id, number)), .blob(page))
        }
    }

    private func remove(_ group: SignatureGroup) throws {
        try database.run(
            "DELETE FROM slice WHERE id>=? AND id<?", .integer(DayFile.sliceID(group: group.id, 0)), .integer(DayFile.sliceID(group: group.id + 1, 0)))
        try database.run("DELETE FROM grouping WHERE id=?", .integer(group.id))
    }

    private func slice(_ page: Int, of group: Int64) throws -> [UInt8] {
        try database.scalar("SELECT body FROM slice WHERE id=?", .integer(DayFile.sliceID(group: group, page)))?.blob ?? []
    }

    private func groups() throws -> [SignatureGroup] {
        let statement = try database.prepare("SELECT id, bits, chunks, crc FROM grouping")
        defer { statement.reset() }
        var groups: [SignatureGroup] = []
        while try statement.step() {
            guard
                let group = SignatureGroup(
                    id: statement.integer(0), bits: Int(statement.integer(1)), members: statement.blob(2), checksum: statement.integer(3))
            else { continue }
            groups.append(group)
        }
        return groups
    }
}
