import ChunkCodec

/// The signatures of up to 256 chunks side by side: for each position of their bitmaps a row that holds the position's bit of every
/// chunk. A needle that asks for some positions reads so many rows, whatever the chunks' number, where it would otherwise
/// read all their bitmaps.
///
/// Rows lie in pages that each fit one page of SQLite, with a checksum.
struct SignatureGroup: Sendable {
    var id: Int64
    /// Positions; a power of two. A chunk of a smaller bitmap has it repeated.
    var bits: Int
    /// The chunks, by the number of their bit.
    var members: [Int64]

    static let maximumMembers = 256
    /// Of rows in a page; with checksum and header it fits 4096.
    private static let pageBytes = 4000

    private var rowBytes: Int { (members.count + 7) / 8 }
    private var rowsPerPage: Int { Self.pageBytes / rowBytes }
    var pageCount: Int { (bits + rowsPerPage - 1) / rowsPerPage }

    init(id: Int64, bits: Int, members: [Int64]) {
        precondition(members.count <= Self.maximumMembers && bits > 0 && bits & (bits - 1) == 0)
        self.id = id
        self.bits = bits
        self.members = members
    }

    // MARK: The group's row

    /// varint members, ascending.
    var memberBytes: [UInt8] {
        var writer = ByteWriter()
        for member in members { writer.count(Int(member)) }
        return writer.bytes
    }

    /// CRC32C of varints id and bits, and the members.
    var checksum: Int64 {
        var writer = ByteWriter()
        writer.count(Int(id))
        writer.count(bits)
        writer.append(memberBytes)
        return Int64(CRC32C.checksum(writer.bytes))
    }

    /// nil if the row is damaged.
    init?(id: Int64, bits: Int, members bytes: [UInt8], checksum: Int64) {
        var reader = ByteReader(bytes)
        var members: [Int64] = []
        while !reader.isAtEnd {
            guard let member = try? reader.count(upTo: .max) else { return nil }
            members.append(Int64(member))
        }
        guard id > 0, !members.isEmpty, members.count <= Self.maximumMembers, bits > 0, bits <= GramSignature.maximumBits, bits & (bits - 1) == 0 else {
            return nil
        }
        self.init(id: id, bits: bits, members: members)
        guard self.checksum == checksum else { return nil }
    }

    // MARK: Writing

    /// The rows of the members' bitmaps. A bitmap of a wrong size is taken for full.
    func pages(of signatures: [[UInt8]]) -> [[UInt8]] {
        precondition(signatures.count == members.count)
        let width = rowBytes
        var rows = [UInt8](repeating: 0, count: bits * width)
        for (member, signature) in signatures.enumerated() {
            let (place, mark) = (member >> 3, UInt8(1) << UInt8(member & 7))
            let size = signature.count * 8
            let isSound = size > 0 && size.nonzeroBitCount == 1 && size <= bits
            for position in 0..<bits {
                let own = position & (size - 1)
                let isSet = !isSound || signature[own >> 3] & (1 << UInt8(own & 7)) != 0
                if isSet { rows[position * width + place] |= mark }
            }
        }
        var pages: [[UInt8]] = []
        for start in stride(from: 0, to: bits, by: rowsPerPage) {
            var writer = ByteWriter()
            writer.append(Array(rows[start * width..<min(bits, start + rowsPerPage) * width]))
            writer.fixed32(CRC32C.checksum(writer.bytes))
            pages.append(writer.bytes)
        }
        return pages
    }

    // MARK: Reading

    /// Which members may hold what the probe asks for. Reads pages until none is left.
    /// - Parameter page: gives a page as it was written. One that is damaged rules nothing out.
    func candidates(_ probe: GramSignature.Probe, page: (Int) throws -> [UInt8]) rethrows -> [Bool] {
        let width = rowBytes
        var mask = [UInt8](repeating: 0xFF, count: width)
        if members.count & 7 != 0 { mask[width - 1] = (1 << UInt8(members.count & 7)) - 1 }
        for hash in probe.hashes {
            let position = Int(hash) & (bits - 1)
            guard let rows = try rows(page: position / rowsPerPage, from: page) else { continue }
            let first = position % rowsPerPage * width
            var left: UInt8 = 0
            for place in 0..<width {
                mask[place] &= rows[first + place]
                left |= mask[place]
            }
            if left == 0 { break }
        }
        return members.indices.map { mask[$0 >> 3] >> UInt8($0 & 7) & 1 == 1 }
    }

    /// The bitmaps of all members, each of `bits` bits; nil if a page is damaged.
    func signatures(page: (Int) throws -> [UInt8]) rethrows -> [[UInt8]]? {
        let width = rowBytes
        var signatures = [[UInt8]](repeating: Array(repeating: 0, count: max(1, bits / 8)), count: members.count)
        for number in 0..<pageCount {
            guard let rows = try rows(page: number, from: page) else { return nil }
            for position in number * rowsPerPage..<min(bits, (number + 1) * rowsPerPage) {
                let first = (position - number * rowsPerPage) * width
                let mark = UInt8(1) << UInt8(position & 7)
                for member in members.indices {
                    let isSet = rows[first + (member >> 3)] >> UInt8(member & 7) & 1 == 1
                    if isSet { signatures[member][position >> 3] |= mark }
                }
            }
        }
        return signatures
    }

    /// A page's rows and its checksum; nil if it is damaged.
    private func rows(page number: Int, from page: (Int) throws -> [UInt8]) rethrows -> [UInt8]? {
        let bytes = try page(number)
        let count = min(bits, (number + 1) * rowsPerPage) - number * rowsPerPage
        guard bytes.count == count * rowBytes + 4 else { return nil }
        var reader = ByteReader(bytes, at: bytes.count - 4)
        guard (try? reader.fixed32()) == CRC32C.checksum(bytes, in: 0..<bytes.count - 4) else { return nil }
        return bytes
    }
}
