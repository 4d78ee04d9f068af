import JSON
import Telemetry

/// A notification as a letter (RFC 5322): what a person reads on a telephone, in plain text.
public enum AlertLetter {
    /// The longest subject, in characters; what is cut off stands in the body.
    static let maximumSubject = 200

    /// `[FIRING:2] Down (pod=web)`: how many fire, which alerts, and what they share.
    public static func subject(_ word: Notification) -> String {
        let head = word.isFiring ? "[FIRING:\(word.firing.count)]" : "[RESOLVED]"
        let names = Set(word.alerts.map { $0.labels["alertname"] }).sorted()
        let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
        let common = word.commonLabels.filter { $0.key != "alertname" }.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let subject = "\(head) \(shown)" + (common.isEmpty ? "" : " (\(common.joined(separator: ", ")))")
        return subject.count <= maximumSubject ? subject : subject.prefix(maximumSubject - 1) + "…"
    }

    /// A paragraph an alert.
    public static func body(_ word: Notification, policy: NotificationPolicy) -> String {
        let (firing, ended) = (word.firing.count, word.alerts.count - word.firing.count)
        var text = [firing > 0 ? "\(firing) firing" : "", ended > 0 ? "\(ended) resolved" : ""].filter { !$0.isEmpty }.joined(separator: ", ") + "\n"
        for alert in word.alerts {
            text += "\n\(alert.state == .firing ? "FIRING" : "RESOLVED") \(alert.labels["alertname"])"
            text += " since \(CivilTime(alert.firedAt ?? alert.activeAt).rfc3339())"
            if alert.state != .firing, let end = alert.resolvedAt { text += " until \(CivilTime(end).rfc3339())" }
            text += "\n"
            for (name, value) in alert.annotations.sorted(by: { $0.key < $1.key }) { text += "  \(name): \(value)\n" }
            let labels = AlertPayload.withExternalLabels(alert.labels.dictionary, policy).filter { $0.key != "alertname" }
            for (name, value) in labels.sorted(by: { $0.key < $1.key }) { text += "  \(name) = \(value)\n" }
        }
        if !policy.externalURL.isEmpty { text += "\n\(policy.externalURL)\n" }
        return text
    }

    /// The whole letter, lines by CRLF. `identity` makes its Message-ID unique.
    public static func message(
        _ word: Notification, from: String, to: [String], policy: NotificationPolicy, at time: Timestamp, identity: String
    ) -> [UInt8] {
        let fields = [
            "From: \(plain(from))", "To: \(plain(to.joined(separator: ", ")))", "Subject: \(encoded(subject(word), after: "Subject: ".count))",
            "Date: \(date(time))", "Message-ID: <\(plain(identity))@binnacle>", "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable",
        ]
        return Array((fields.joined(separator: "\r\n") + "\r\n\r\n" + quotedPrintable(body(word, policy: policy))).utf8)
    }

    /// `Tue, 24 Nov 2026 13:25:19 +0000`.
    static func date(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[civil.dayOfWeek]), \(civil.day) \(months[civil.month - 1]) \(civil.year) "
            + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) +0000"
    }

    /// A value of a label may hold anything; a line break in a header would start a field of its own.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    /// Text of a header field: as it is if it is ASCII and fits a line, else in encoded words of at most 75 characters
    /// (RFC 2047). `column` is where the text starts.
    static func encoded(_ text: String, after column: Int) -> String {
        let text = plain(text)
        // `=?` would be read as the start of an encoded word.
        if text.utf8.allSatisfy({ $0 < 0x80 }), column + text.count <= 78, !text.contains("=?") { return text }
        var words: [String] = []
        var piece: [UInt8] = []
        func close() { words.append("=?utf-8?B?\(Base64.encode(piece))?=") }
        for character in text.unicodeScalars {
            let bytes = Array(String(character).utf8)
            // 45 bytes are 60 characters of base64, with the frame of 12; the first line has the field's name too.
            if piece.count + bytes.count > (words.isEmpty ? 36 : 45) {
                close()
                piece = []
            }
            piece += bytes
        }
        close()
        return words.joined(separator: "\r\n ")
    }

    /// RFC 2045: lines of at most 76 characters, everything but printable ASCII as `=XX`.
    static func quotedPrintable(_ text: String) -> String {
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var column = 0
            var written = ""
            let bytes = Array(line.utf8)
            for (position, byte) in bytes.enumerated() {
                // A space at the end of a line would be lost on the way.
                let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=") || byte == 0x20 && position != bytes.count - 1
                let digits = String(byte, radix: 16, uppercase: true)
                let piece = isPlain ? String(Unicode.Scalar(byte)) : "=" + (byte < 16 ? "0" : "") + digits
                if column + piece.utf8.count > 75 {
                    written += "=\r\n"
                    column = 0
                }
                written += piece
                column += piece.utf8.count
            }
            lines.append(written)
        }
        return lines.joined(separator: "\r\n")
    }
}
