@testable import Alerting
import Telemetry
import Testing

@Suite struct AlertLetterTests {
    private func alert(_ labels: Labels, _ state: Alert.State = .firing, annotations: [String: String] = [:]) -> Alert {
        var alert = Alert(labels: labels, annotations: annotations, value: 1, activeAt: Timestamp(milliseconds: 1_795_526_719_000))
        alert.state = state
        alert.firedAt = alert.activeAt
        if state == .inactive { alert.resolvedAt = alert.activeAt + .seconds(60) }
        return alert
    }

    private func word(_ alerts: [Alert]) -> Notification { Notification(receiver: "r", groupKey: "k", groupLabels: [:], alerts: alerts) }

    @Test func `the subject says how many, which, and what they share`() {
        let down = Labels(["alertname": "Down", "pod": "web", "node": "a"])
        let other = Labels(["alertname": "Down", "pod": "web", "node": "b"])
        #expect(AlertLetter.subject(word([alert(down), alert(other)])) == "[FIRING:2] Down (pod=web)")
        #expect(AlertLetter.subject(word([alert(down), alert(other, .inactive)])) == "[FIRING:1] Down (pod=web)")
        #expect(AlertLetter.subject(word([alert(["alertname": "A"], .inactive), alert(["alertname": "B"], .inactive)])) == "[RESOLVED] A, B")
        let many = ["A", "B", "C", "D", "E"].map { alert(Labels(["alertname": $0])) }
        #expect(AlertLetter.subject(word(many)) == "[FIRING:5] A, B, C and 2 more")
        #expect(AlertLetter.subject(word([alert(Labels(["alertname": String(repeating: "x", count: 500)]))])).count == AlertLetter.maximumSubject)
    }

    @Test func `a letter cannot be given a header by a label's value`() throws {
        let evil = alert(["alertname": "Down\r\nBcc: all@example.org", "pod": "web\n.\nQUIT"], annotations: ["summary": "größer = 5 %"])
        let letter = String(
            decoding: AlertLetter.message(
                word([evil]), from: "a@b.c", to: ["d@e.f", "g@h.i"], policy: NotificationPolicy(), at: Timestamp(milliseconds: 1_795_526_719_000),
                identity: "1"), as: UTF8.self)
        let end = try #require(letter.firstRange(of: "\r\n\r\n"))
        let head = letter[..<end.lowerBound].replacing("\r\n ", with: " ").split(separator: "\r\n").map { $0.prefix { $0 != ":" } }
        #expect(
            head == [
                "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
            ])
        #expect(letter.contains("Date: Tue, 24 Nov 2026 13:25:19 +0000\r\n"))
        #expect(letter.contains("To: d@e.f, g@h.i\r\n"))
        #expect(letter.contains("  summary: gr=C3=B6=C3=9Fer =3D 5 %\r\n"))
        #expect(letter.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
    }

    @Test func `a header that is not ASCII is written in encoded words of at most 75 characters`() {
        #expect(AlertLetter.encoded("plain (pod=web)", after: 9) == "plain (pod=web)")
        #expect(AlertLetter.encoded("größer", after: 9) == "=?utf-8?B?Z3LDtsOfZXI=?=")
        let long = AlertLetter.encoded(String(repeating: "ü", count: 200), after: 9)
        #expect(long.split(separator: "\r\n ").allSatisfy { $0.utf8.count <= 75 && $0.hasPrefix("=?utf-8?B?") && $0.hasSuffix("?=") })
        #expect(AlertLetter.encoded("=?utf-8?B?", after: 9).hasPrefix("=?utf-8?B?PT91"))
    }

    @Test(arguments: [
        ("a b", "a b"), ("a ", "a=20"), ("=", "=3D"), ("a\nb", "a\r\nb"), (String(repeating: "x", count: 80), String(repeating: "x", count: 75) + "=\r\nxxxxx"),
    ])
    func `the body is quoted-printable`(text: String, wire: String) { #expect(AlertLetter.quotedPrintable(text) == wire) }

    @Test(arguments: [("mail:25", "mail", 25), ("[::1]:2525", "::1", 2525)])
    func `a mail server's address`(text: String, host: String, port: Int) {
        #expect(SMTPAddress(text)?.host == host)
        #expect(SMTPAddress(text)?.port == port)
    }

    @Test(arguments: ["mail", ":25", "mail:0", "mail:x", "::1:25", "mail:99999"])
    func `what is no mail server's address`(text: String) { #expect(SMTPAddress(text) == nil) }
}
