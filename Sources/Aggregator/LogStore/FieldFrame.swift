import LogQL
import Telemetry
import Zstd

/// Structured metadata as columns: for each name, in order, its length and bytes, and a text for each row, which is empty where a
/// row lacks the field. Of more than 200 names all labels of a row are one text, in the form of a stream's, under the empty name.
///
///     names (varint)   for each: length, name, `TextFrame` body (length, bytes), its larger columns (length, bytes)
enum FieldFrame {
    private static let maximumNames = 1 << 16
    private static let maximumColumns = 200

    static func encode(_ fields: [Labels], times: [Int64], compressor: ZstdCompressor) -> [UInt8] {
        guard !fields.isEmpty else { return [] }
        var names = Set(fields.flatMap { $0.list.map(\.name) }).sorted()
        // Many names are no columns: then each row's labels are one text under the empty name.
        if names.count > maximumColumns || names.contains("") { names = [""] }
        var writer = ByteWriter()
        writer.count(names.count)
        for name in names {
            var text = LogText(bytes: [], starts: [], ends: [])
            for labels in fields {
                text.starts.append(text.bytes.count)
                if name.isEmpty { text.bytes.append(contentsOf: labels.encoded) } else { text.bytes.append(contentsOf: labels[name].utf8) }
                text.ends.append(text.bytes.count)
            }
            let encoded = TextFrame.encode(text, times: times, level: 1, compressor: compressor)
            let bytes = Array(name.utf8)
            writer.count(bytes.count)
            writer.append(bytes)
            for part in [encoded.body, encoded.segments] {
                writer.count(part.count)
                writer.append(part)
            }
        }
        return writer.bytes
    }

    /// - Parameter times: the rows' times.
    static func decode(_ bytes: [UInt8], times: [Int64]) throws(CodingError) -> [Labels] {
        guard !bytes.isEmpty else { return [] }
        var reader = ByteReader(bytes)
        var lists = [[Labels.Label]](repeating: [], count: times.count)
        for _ in 0..<(try reader.count(upTo: maximumNames)) {
            let name = String(decoding: try reader.take(try reader.count(upTo: 1 << 20)), as: UTF8.self)
            let body = try reader.take(try reader.count(upTo: Int(Int32.max)))
            let segments = try reader.take(try reader.count(upTo: Int(Int32.max)))
            let opened = try TextFrame.open(body) { range in
                guard range.upperBound <= segments.count else { throw CodingError("the columns end too early") }
                return Array(segments[range])
            }
            let text = try TextFrame.render(try opened.loader.load(opened.node, count: times.count), times: times, expected: nil)
            for row in times.indices where text.ends[row] > text.starts[row] {
                guard !name.isEmpty else {
                    lists[row] = try Labels(encoded: Array(text.bytes[text.starts[row]..<text.ends[row]])).list
                    continue
                }
                lists[row].append(Labels.Label(name, String(decoding: text.bytes[text.starts[row]..<text.ends[row]], as: UTF8.self)))
            }
        }
        guard reader.isAtEnd else { throw CodingError("the fields are followed by something") }
        // The names were sorted when they were written.
        return lists.map { Labels(sortedUnchecked: $0) }
    }
}
