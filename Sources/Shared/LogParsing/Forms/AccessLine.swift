import Telemetry

/// Access logs of web servers: NCSA's common form, the combined form with referer and agent, and ingress-nginx's with the
/// upstream's figures after that:
///
///     10.0.0.1 - frank [24/Nov/2026:08:48:41 +0000] "GET /a HTTP/1.1" 200 2326 "-" "curl/8" 512 0.004 [shop-api-80] [] 10.1.0.7:8080 2326 0.004 200 4f2e
enum AccessLine {
    static func heading(_ line: ArraySlice<UInt8>) -> LineHeading? {
        guard let (_, stamp, _) = opening(line) else { return nil }
        return LineHeading(stamp: stamp, severity: .unknown)
    }

    /// Host, identity and user, the stamp in brackets, and where the request begins.
    private static func opening(_ line: ArraySlice<UInt8>) -> (names: [ArraySlice<UInt8>], stamp: LineStamp, rest: Int)? {
        guard let open = line.prefix(300).firstIndex(of: UInt8(ascii: "[")), open > line.startIndex else { return nil }
        let names = line[..<open].split(separator: 0x20)
        guard names.count >= 3, let (stamp, end) = StampScanner.scan(line[open...]), end + 2 < line.endIndex, line[end] == UInt8(ascii: "]"),
            line[end + 1] == 0x20, line[end + 2] == UInt8(ascii: "\"")
        else { return nil }
        return (names, stamp, end + 2)
    }

    static func parse(_ line: ArraySlice<UInt8>, statusIsSeverity: Bool) -> ParsedLine? {
        guard let (names, stamp, rest) = opening(line) else { return nil }
        var parts = words(line[rest...])
        guard parts.count >= 3, let status = Int(parts[1]), (100...999).contains(status) else { return nil }
        var parsed = ParsedLine(form: .access, stamp: stamp, message: parts[0])
        func put(_ name: String, _ value: String) { if value != "-", !value.isEmpty { parsed.fields.append(.init(name, value)) } }
        put("client", names[0].text)
        put("user", names[names.count - 1].text)
        let request = parts[0].split(separator: " ")
        if request.count >= 2 {
            put("method", String(request[0]))
            put("path", request[1..<max(2, request.count - 1)].joined(separator: " "))
            if request.count > 2 { put("protocol", String(request[request.count - 1])) }
        }
        put("status", parts[1])
        put("bytes", parts[2])
        parts.removeFirst(3)
        let further = [
            "referer", "agent", "request_length", "request_time", "upstream_name", "upstream_alternative", "upstream_addr",
            "upstream_bytes", "upstream_time", "upstream_status", "request_id",
        ]
        for (name, value) in zip(further, parts) { put(name, value) }
        if statusIsSeverity { parsed.severity = status >= 500 ? .error : status >= 400 ? .warning : .info }
        return parsed
    }

    /// Words, and texts in quotes or brackets without them.
    private static func words(_ text: ArraySlice<UInt8>) -> [String] {
        var words: [String] = []
        var index = text.startIndex
        while index < text.endIndex, words.count < 32 {
            let first = text[index]
            if first == 0x20 {
                index += 1
            } else if first == UInt8(ascii: "\""), let word = LogfmtLine.quoted(text, &index) {
                words.append(word)
            } else if first == UInt8(ascii: "["), let close = text[index...].firstIndex(of: UInt8(ascii: "]")) {
                words.append(text[(index + 1)..<close].text)
                index = close + 1
            } else {
                let end = text[index...].firstIndex(of: 0x20) ?? text.endIndex
                words.append(text[index..<end].text)
                index = end
            }
        }
        return words
    }
}
