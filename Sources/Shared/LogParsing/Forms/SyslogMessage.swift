public import Telemetry

/// One message of syslog, as RFC 5424 has it or, less strictly, RFC 3164 and what senders make of it.
public struct SyslogMessage: Hashable, Sendable {
    /// 0 to 23.
    public var facility: Int
    /// 0 (emergency) to 7 (debug).
    public var level: Int
    /// Nil if the message has none, or a nil value.
    public var stamp: LineStamp?
    public var host: String?
    public var application: String?
    public var process: String?
    public var messageID: String?
    /// Structured data: `id.name` and value, or `id` with no value for an element without parameters.
    public var data: [ParsedLine.Field]
    /// The text, without a byte order mark.
    public var text: ArraySlice<UInt8>
    public var isRFC5424: Bool

    public static let facilities = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0",
        "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]
    public static let levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]

    public var severity: LogRecord.Severity {
        switch level {
        case 0...2: .fatal
        case 3: .error
        case 4: .warning
        case 5, 6: .info
        default: .debug
        }
    }

    /// nil without a priority at the beginning.
    public static func parse(_ line: ArraySlice<UInt8>) -> SyslogMessage? {
        guard line.first == UInt8(ascii: "<"), let close = line.prefix(5).firstIndex(of: UInt8(ascii: ">")), close > line.startIndex + 1,
            let priority = Int(line[(line.startIndex + 1)..<close].text), (0...191).contains(priority)
        else { return nil }
        let rest = line[(close + 1)...]
        var message = SyslogMessage(
            facility: priority >> 3, level: priority & 7, stamp: nil, host: nil, application: nil, process: nil, messageID: nil, data: [], text: rest,
            isRFC5424: false)
        if rest.count > 2, rest[rest.startIndex] == UInt8(ascii: "1"), rest[rest.startIndex + 1] == 0x20 {
            var modern = message
            if modern.readModern(rest[(rest.startIndex + 2)...]) { return modern }
        }
        message.readOld(rest)
        return message
    }

    // MARK: RFC 5424

    private mutating func readModern(_ text: ArraySlice<UInt8>) -> Bool {
        var index = text.startIndex
        func word() -> ArraySlice<UInt8>? {
            guard index < text.endIndex else { return nil }
            let end = text[index...].firstIndex(of: 0x20) ?? text.endIndex
            defer { index = min(end + 1, text.endIndex) }
            return text[index..<end]
        }
        func value(_ word: ArraySlice<UInt8>?) -> String? { word.flatMap { $0.elementsEqual("-".utf8) || $0.isEmpty ? nil : $0.text } }
        guard let time = word() else { return false }
        stamp = StampScanner.whole(time)
        guard stamp != nil || time.elementsEqual("-".utf8) else { return false }
        host = value(word())
        application = value(word())
        process = value(word())
        messageID = value(word())
        guard index < text.endIndex else {
            self.text = text[text.endIndex...]
            isRFC5424 = true
            return true
        }
        if text[index] == UInt8(ascii: "-") {
            index += 1
        } else {
            while index < text.endIndex, text[index] == UInt8(ascii: "[") {
                guard let end = readElement(text, from: index + 1) else { return false }
                index = end
            }
        }
        var body = text[index...]
        if body.first == 0x20 { body = body.dropFirst() }
        if body.starts(with: [0xEF, 0xBB, 0xBF]) { body = body.dropFirst(3) }
        self.text = body
        isRFC5424 = true
        return true
    }

    /// `id name="value" ...]`, with `\"`, `\\` and `\]` in values. Returns the index after the bracket.
    private mutating func readElement(_ text: ArraySlice<UInt8>, from start: Int) -> Int? {
        var index = start
        while index < text.endIndex, text[index] != 0x20, text[index] != UInt8(ascii: "]") { index += 1 }
        let id = text[start..<index].text
        var count = 0
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "]") {
                if count == 0 { data.append(.init(id, "")) }
                return index + 1
            }
            guard text[index] == 0x20 else { return nil }
            index += 1
            let begin = index
            while index < text.endIndex, text[index] != UInt8(ascii: "="), text[index] != UInt8(ascii: "]") { index += 1 }
            guard index + 1 < text.endIndex, text[index] == UInt8(ascii: "="), text[index + 1] == UInt8(ascii: "\"") else {
                if index < text.endIndex, text[index] == UInt8(ascii: "]"), index == begin { continue }
                return nil
            }
            let name = text[begin..<index].text
            index += 2
            var value: [UInt8] = []
            while index < text.endIndex, text[index] != UInt8(ascii: "\"") {
                if text[index] == UInt8(ascii: "\\"), index + 1 < text.endIndex, "\"\\]".utf8.contains(text[index + 1]) { index += 1 }
                value.append(text[index])
                index += 1
            }
            guard index < text.endIndex else { return nil }
            index += 1
            count += 1
            data.append(.init("\(id).\(name)", value[...].text))
        }
        return nil
    }

    // MARK: RFC 3164

    /// `Mmm dd hh:mm:ss host tag[pid]: text`, where all but the text may be missing.
    private mutating func readOld(_ text: ArraySlice<UInt8>) {
        var rest = text
        if let (found, end) = StampScanner.scan(text), end < text.endIndex, text[end] == 0x20 || text[end] == UInt8(ascii: ":") {
            stamp = found
            rest = text[(end + 1)...].drop { $0 == 0x20 }
            // A host follows a stamp unless the word is a tag already, as local senders write it.
            let word = rest.prefix { $0 != 0x20 }
            if word.endIndex < rest.endIndex, word.last != UInt8(ascii: ":"), !word.contains(UInt8(ascii: "[")) {
                host = word.text
                rest = rest[(word.endIndex + 1)...]
            }
        }
        let tag = rest.prefix(64).prefix { byte in
            byte > 0x20 && byte != UInt8(ascii: ":") && byte != UInt8(ascii: "[") && byte != UInt8(ascii: "]")
        }
        var index = tag.endIndex
        var number: String?
        if index < rest.endIndex, rest[index] == UInt8(ascii: "["), let close = rest[index...].prefix(16).firstIndex(of: UInt8(ascii: "]")) {
            number = rest[(index + 1)..<close].text
            index = close + 1
        }
        if !tag.isEmpty, index < rest.endIndex, rest[index] == UInt8(ascii: ":") {
            application = tag.text
            process = number
            rest = rest[(index + 1)...]
            if rest.first == 0x20 { rest = rest.dropFirst() }
        }
        self.text = rest
    }

    /// The fields under the names that journald and OpenTelemetry users know.
    public var parsedLine: ParsedLine {
        var fields: [ParsedLine.Field] = [.init("facility", Self.facilities[facility]), .init("level", Self.levels[level])]
        for (name, value) in [("hostname", host), ("app_name", application), ("proc_id", process), ("msg_id", messageID)] {
            if let value { fields.append(.init(name, value)) }
        }
        return ParsedLine(form: .syslog, stamp: stamp, severity: severity, message: text.text, fields: fields + data)
    }
}
