import LogQL
import Zstd

/// How the texts of some rows are stored: a tree that says what they are made of, and its columns.
///
///     frame of the tree   frame of the small columns together   larger columns (varint), the length of each one's frame (varint)
///     elsewhere: the frames of the larger columns, one after another
///
/// Each text comes back byte for byte: it is written out again when it is stored, and if one byte differs, or the
/// columns are not smaller, the texts are stored one after another.
enum TextFrame {
    /// The most that one chunk's text may be.
    private static let maximumBytes = 1 << 31

    struct Encoded: Sendable {
        var body: [UInt8]
        /// Frames of the larger columns, one after another.
        var segments: [UInt8]

        var storedBytes: Int { body.count + segments.count }
    }

    /// - Parameters:
    ///   - text: the rows' texts with `starts` and `ends`.
    ///   - times: each row's time, from which times in the text may be told.
    ///   - isThorough: whether to try the plain form as well and take the smaller.
    static func encode(_ text: LogText, times: [Int64], level: Int = 0, compressor: ZstdCompressor, isThorough: Bool = false) -> Encoded {
        let ranges = text.starts.indices.map { TextRange(start: Int32(text.starts[$0]), count: Int32(text.ends[$0] - text.starts[$0])) }
        var encoder = TextColumnEncoder(text: text.bytes, times: times)
        encoder.encode(ranges, rows: (0..<Int32(ranges.count)).map { $0 }, level: level)
        let columns = pack(encoder.writer, compressor)
        let bytes = ranges.reduce(0) { $0 + Int($1.count) }
        let isExact = isExact(encoder.writer, text, times)
        guard !isExact || isThorough || columns.storedBytes * 3 > bytes else { return columns }
        var writer = ColumnWriter()
        writer.tree.byte(TextForm.plain.rawValue)
        writer.add(NumberColumn.encode(ranges.map { Int64($0.count) }))
        var joined: [UInt8] = []
        joined.reserveCapacity(bytes)
        for range in ranges { joined.append(contentsOf: text.bytes[range.range]) }
        writer.add(joined)
        let plain = pack(writer, compressor)
        return isExact && columns.storedBytes <= plain.storedBytes ? columns : plain
    }

    private static func pack(_ writer: ColumnWriter, _ compressor: ZstdCompressor) -> Encoded {
        var body = ByteWriter()
        ColumnFrame.append(writer.tree.bytes, to: &body, compressor: compressor)
        ColumnFrame.append(writer.small, to: &body, compressor: compressor)
        body.count(writer.segments.count)
        var frames = ByteWriter()
        for segment in writer.segments {
            let start = frames.bytes.count
            ColumnFrame.append(segment, to: &frames, compressor: compressor)
            body.count(frames.bytes.count - start)
        }
        return Encoded(body: body.bytes, segments: frames.bytes)
    }

    /// Whether the columns give the text again.
    private static func isExact(_ writer: ColumnWriter, _ text: LogText, _ times: [Int64]) -> Bool {
        do {
            var reader = TextNodeReader(writer.tree.bytes, smallBytes: writer.small.count)
            let node = try reader.root()
            let loader = TextColumnLoader { reference throws(CodingError) in
                switch reference {
                case .small(let range): Array(writer.small[range])
                case .segment(let number, _): writer.segments[number]
                }
            }
            let column = try loader.load(node, count: text.starts.count)
            let size = text.starts.indices.reduce(text.starts.count) { $0 + text.ends[$1] - text.starts[$1] }
            let again = try render(column, times: times, expected: size)
            for row in text.starts.indices
            where again.ends[row] - again.starts[row] != text.ends[row] - text.starts[row]
                || !TextSearch.isEqual(again.bytes, again.starts[row], text.bytes, text.starts[row], text.ends[row] - text.starts[row])
            {
                return false
            }
            return true
        } catch {
            return false
        }
    }

    /// Opens the tree and the small columns. `segments` gives a part of the larger columns' frames.
    static func open(
        _ body: [UInt8], segments: @escaping (Range<Int>) throws -> [UInt8]
    ) throws(CodingError) -> Opened {
        var reader = ByteReader(body)
        let tree = try ColumnFrame.read(from: &reader)
        let small = try ColumnFrame.read(from: &reader)
        var places: [Range<Int>] = []
        var end = 0
        for _ in 0..<(try reader.count(upTo: body.count)) {
            let size = try reader.count(upTo: Int(Int32.max))
            places.append(end..<end + size)
            end += size
        }
        guard reader.isAtEnd else { throw CodingError("a text's head is too long") }
        var nodes = TextNodeReader(tree, smallBytes: small.count)
        let node = try nodes.root()
        return Opened(
            node: node,
            loader: TextColumnLoader { reference throws(CodingError) in
                switch reference {
                case .small(let range): return Array(small[range])
                case .segment(let number, let count):
                    guard number < places.count else { throw CodingError("the text has \(places.count) columns and lacks number \(number)") }
                    let frame: [UInt8]
                    do { frame = try segments(places[number]) } catch { throw CodingError("column \(number) of the text cannot be read: \(error)") }
                    var reader = ByteReader(frame)
                    let bytes = try ColumnFrame.read(from: &reader)
                    guard reader.isAtEnd, bytes.count == count else {
                        throw CodingError("column \(number) of the text is \(bytes.count) bytes long, not \(count)")
                    }
                    return bytes
                }
            }, places: places, headBytes: body.count)
    }

    struct Opened {
        var node: TextNode
        var loader: TextColumnLoader
        /// Where the frames of the larger columns are.
        var places: [Range<Int>]
        /// Of the tree and the small columns as stored.
        var headBytes: Int
    }

    /// All rows, each followed by a line feed.
    /// - Parameter expected: the size of that, if it is known from elsewhere.
    static func render(_ column: TextColumn, times: [Int64], expected: Int?) throws(CodingError) -> LogText {
        try render(column, rows: (0..<Int32(times.count)).map { $0 }, times: times, expected: expected)
    }

    /// Only some rows, in their own order.
    /// - Parameters:
    ///   - wanted: rows of the chunk, each once.
    ///   - times: the time of each row of the column.
    static func render(_ opened: Opened, only wanted: [Int], times: [Int64]) throws(CodingError) -> LogText {
        let places = wanted.sorted()
        let column = try opened.loader.load(opened.node, count: times.count, only: places.map { Int32(truncatingIfNeeded: $0) })
        let text = try render(column, times: places.map { times[$0] }, expected: nil)
        if places == wanted { return text }
        let order = Dictionary(places.enumerated().map { ($1, $0) }) { first, _ in first }
        return text.picking(wanted.map { order[$0] ?? 0 })
    }

    /// - Parameters:
    ///   - rows: for each text its row in the answer.
    ///   - times: the time of each row of the answer.
    private static func render(_ column: TextColumn, rows: [Int32], times: [Int64], expected: Int?) throws(CodingError) -> LogText {
        var lengths = [Int](repeating: 0, count: times.count)
        column.addLengths(rows, to: &lengths)
        var starts: [Int] = []
        var ends: [Int] = []
        starts.reserveCapacity(times.count)
        ends.reserveCapacity(times.count)
        var offset = 0
        for length in lengths {
            starts.append(offset)
            offset += length
            ends.append(offset)
            offset += 1
        }
        if let expected, offset != expected { throw CodingError("its text is \(offset) bytes long, not \(expected)") }
        guard offset <= Self.maximumBytes else { throw CodingError("its text is \(offset) bytes long") }
        var output = TextOutput(count: offset)
        var places = starts
        column.write(rows, to: &output, at: &places, times: times)
        return LogText(bytes: output.bytes, starts: starts, ends: ends)
    }
}
