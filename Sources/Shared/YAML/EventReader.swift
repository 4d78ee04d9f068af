import CYAML

/// A place in the text, from 1.
struct Mark: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// One step of libyaml's parser.
struct Event {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceStart, sequenceEnd, mappingStart, mappingEnd
        case alias(String)
        /// - Parameter isPlain: written without quotes, so that its type follows from its text.
        case scalar(String, isPlain: Bool)
    }
    var kind: Kind
    /// Empty if there is none.
    var anchor = ""
    var tag = ""
    var mark: Mark
}

/// Pulls events from libyaml.
///
/// Safe to use: the parser and the copy of the text are this object's own, are freed with it, and no pointer leaves it.
@safe
final class EventReader {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// libyaml keeps a pointer into this until it is deleted.
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let file: String

    init(_ bytes: [UInt8], file: String) {
        self.file = file
        unsafe input = .allocate(capacity: max(bytes.count, 1))
        _ = unsafe input.update(fromContentsOf: bytes)
        unsafe parser = .allocate(capacity: 1)
        // Fails only when memory has run out.
        guard unsafe yaml_parser_initialize(parser) == 1 else { fatalError("libyaml could not allocate its parser") }
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    func next() throws(YAMLError) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        // All that is kept below is a copy.
        defer { unsafe yaml_event_delete(&event) }
        let start = unsafe event.start_mark
        let mark = Mark(line: start.line + 1, column: start.column + 1)
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, mark: mark)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, mark: mark)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, mark: mark)
        case YAML_ALIAS_EVENT: return Event(kind: .alias(unsafe Self.text(event.data.alias.anchor)), mark: mark)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let value = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return Event(
                kind: .scalar(value, isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE), anchor: unsafe Self.text(scalar.anchor),
                tag: unsafe Self.text(scalar.tag), mark: mark)
        case YAML_SEQUENCE_START_EVENT:
            let sequence = unsafe event.data.sequence_start
            return Event(kind: .sequenceStart, anchor: unsafe Self.text(sequence.anchor), tag: unsafe Self.text(sequence.tag), mark: mark)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, mark: mark)
        case YAML_MAPPING_START_EVENT:
            let mapping = unsafe event.data.mapping_start
            return Event(kind: .mappingStart, anchor: unsafe Self.text(mapping.anchor), tag: unsafe Self.text(mapping.tag), mark: mark)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, mark: mark)
        default: return Event(kind: .streamEnd, mark: mark)
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String {
        guard let pointer = unsafe pointer else { return "" }
        return unsafe String(cString: pointer)
    }

    private func failure() -> YAMLError {
        let state = unsafe parser.pointee
        var problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "not YAML"
        let mark = unsafe state.problem_mark
        if unsafe state.error == YAML_READER_ERROR {
            // The reader knows only the byte.
            let before = unsafe Array(input.prefix(state.problem_offset))
            var (line, column) = (1, 1)
            for byte in before {
                if byte == 0x0A { (line, column) = (line + 1, 1) } else if byte & 0xC0 != 0x80 { column += 1 }
            }
            return YAMLError(
                file: file, line: line, column: column, problem: problem, remedy: "save the file as UTF-8 text without control characters")
        }
        var remedy = ""
        switch problem {
        case "found character that cannot start any token":
            let index = mark.index
            if unsafe index < input.count, unsafe input[index] == 0x09 {
                problem = "found a tab where indentation is expected"
                remedy = "indent with spaces"
            } else {
                remedy = "put the value in quotes"
            }
        case "mapping values are not allowed in this context": remedy = "put a value that holds \": \" in quotes, or mend the indentation"
        case "could not find expected ':'": remedy = "write KEY: VALUE, with a space after the colon"
        case "did not find expected key", "did not find expected '-' indicator":
            remedy = "give all entries of one mapping or list the same indentation"
        case "found undefined tag handle": remedy = "put a value that starts with \"!\" in quotes"
        default: break
        }
        if let context = unsafe state.context {
            let start = unsafe state.context_mark
            problem = unsafe String(cString: context) + " (from line \(start.line + 1)): " + problem
        }
        return YAMLError(file: file, line: mark.line + 1, column: mark.column + 1, problem: problem, remedy: remedy)
    }
}
