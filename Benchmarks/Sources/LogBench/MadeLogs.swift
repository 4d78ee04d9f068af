import SeededNoise
import Telemetry

/// Logs of a made-up cluster, the same for the same seed: JSON of web shops with random identifiers, nginx access lines, klog,
/// logfmt, and now and then a Java stack trace. Half of the text is JSON.
struct MadeLogs {
    struct Line {
        var stream: Int
        var time: Int64
        var severity: LogRecord.Severity
        var body: [UInt8]
    }

    /// 2026-03-01T00:00:00Z.
    static let start: Int64 = 1_772_323_200_000_000_000

    let streams: [Labels]
    private var random = SplitMix(state: 7)
    private var time = MadeLogs.start
    private var counter = 0
    private let gap: Int64

    /// - Parameter lines: how many will be asked for; they are spread over 20 hours of one day.
    init(lines: Int) {
        var streams: [Labels] = []
        for (container, pods) in [("api", 8), ("web", 4), ("kubelet", 2), ("orders", 4), ("billing", 2)] {
            for pod in 0..<pods {
                streams.append([
                    "namespace": container == "kubelet" ? "kube-system" : "shop", "pod": "\(container)-\(pod)", "container": container,
                    "stream": container == "billing" ? "stderr" : "stdout", "node": "node-\(pod % 3)",
                ])
            }
        }
        self.streams = streams
        gap = 72_000_000_000_000 / Int64(max(1, lines))
    }

    private static let digits = Array("0123456789abcdef".utf8)
    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    private mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
    private mutating func hex(_ count: Int, to text: inout [UInt8]) {
        var bits: UInt64 = 0
        for index in 0..<count {
            if index % 16 == 0 { bits = random.next() }
            text.append(Self.digits[Int(bits & 15)])
            bits >>= 4
        }
    }
    private static func put(_ string: String, _ text: inout [UInt8]) { text.append(contentsOf: string.utf8) }
    private static func put(_ number: Int, _ text: inout [UInt8], width: Int = 1) {
        var digits: [UInt8] = []
        var rest = number
        repeat {
            digits.append(UInt8(0x30 + rest % 10))
            rest /= 10
        } while rest > 0
        while digits.count < width { digits.append(0x30) }
        text.append(contentsOf: digits.reversed())
    }

    private let words = (0..<400).map { index in
        let syllables = ["ka", "lo", "mi", "ter", "ran", "so", "vel", "din", "qu", "est", "por", "ba", "nu", "shi", "gro", "el", "wyn", "tas", "fe", "zu"]
        return syllables[index % 20] + syllables[index / 20] + syllables[(index * 7 + 3) % 20]
    }
    private let messages = [
        "request served", "cache miss", "upstream timeout, retrying", "session refreshed", "stock level low", "payment authorised",
        "card declined by issuer", "cart updated", "user signed in", "rate limit reached", "order queued for shipping", "index rebuilt",
    ]
    private let agents = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", "curl/8.5.0", "kube-probe/1.31", "Go-http-client/2.0",
    ]

    private mutating func level() -> (String, LogRecord.Severity) {
        let roll = below(1000)
        if roll < 12 { return ("error", .error) }
        if roll < 70 { return ("warn", .warning) }
        if roll < 200 { return ("debug", .debug) }
        return ("info", .info)
    }

    private mutating func path(_ text: inout [UInt8]) {
        switch below(6) {
        case 0: Self.put("/cart", &text)
        case 1: Self.put("/api/v1/orders/", &text); Self.put(below(900_000), &text)
        case 2: Self.put("/products/", &text); Self.put(below(5000), &text)
        case 3: Self.put("/search?q=", &text); Self.put(pick(words), &text); Self.put("&page=", &text); Self.put(below(9) + 1, &text)
        case 4: Self.put("/static/", &text); Self.put(pick(words), &text); Self.put(".js", &text)
        default: Self.put("/login", &text)
        }
    }

    /// The next line; times rise.
    mutating func next() -> Line {
        counter += 1
        time += gap / 2 + Int64(random.next() % UInt64(max(1, gap)))
        var text: [UInt8] = []
        text.reserveCapacity(400)
        let roll = below(1000)
        // The record's own time is when the runtime read the line, some microseconds after it was written.
        let written = time - Int64(below(300_000)) - 20_000
        let stamp = CivilTime(nanosecondsSinceEpoch: written)
        let (name, severity) = level()
        if roll < 400 {
            Self.put("{\"ts\":\"", &text)
            stamp.appendRFC3339(to: &text, fractionDigits: 3)
            Self.put("\",\"level\":\"\(name)\",\"logger\":\"shop.http.\(pick(["api", "web", "worker", "auth"]))\",\"msg\":\"", &text)
            Self.put(pick(messages), &text)
            Self.put("\",\"path\":\"", &text)
            path(&text)
            Self.put("\",\"status\":\(pick([200, 200, 200, 200, 201, 304, 404, 500]))", &text)
            Self.put(",\"duration_ms\":", &text)
            Self.put(below(900), &text)
            Self.put(",\"bytes\":", &text)
            Self.put(below(60_000), &text)
            Self.put(",\"trace_id\":\"", &text)
            hex(32, to: &text)
            Self.put("\",\"span_id\":\"", &text)
            hex(16, to: &text)
            Self.put("\",\"user\":{\"id\":", &text)
            Self.put(below(100_000), &text)
            Self.put(",\"plan\":\"\(pick(["free", "pro", "team"]))\"},\"host\":\"node-\(below(3))\"}", &text)
            return Line(stream: below(8), time: time, severity: severity, body: text)
        }
        if roll < 650 {
            Self.put("\(10 + below(4)).\(below(8)).\(below(256)).\(below(256)) - - [", &text)
            Self.put(stamp.day, &text, width: 2)
            Self.put("/\(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][stamp.month - 1])/", &text)
            Self.put(stamp.year, &text)
            let seconds = Int(written / 1_000_000_000 % 86_400)
            for part in [seconds / 3600, seconds / 60 % 60, seconds % 60] {
                text.append(0x3A)
                Self.put(part, &text, width: 2)
            }
            Self.put(" +0000] \"\(pick(["GET", "GET", "GET", "POST", "PUT"])) ", &text)
            path(&text)
            Self.put(" HTTP/1.1\" \(pick([200, 200, 200, 304, 404, 502])) ", &text)
            Self.put(below(90_000), &text)
            Self.put(" \"\(pick(["-", "-", "https://shop.example/", "https://search.example/"]))\" \"", &text)
            Self.put(pick(agents), &text)
            Self.put("\" 0.", &text)
            Self.put(below(1000), &text, width: 3)
            return Line(stream: 8 + below(4), time: time, severity: .unknown, body: text)
        }
        if roll < 800 {
            let (letter, grade): (String, LogRecord.Severity) = severity == .error ? ("E", .error) : severity == .warning ? ("W", .warning) : ("I", .info)
            Self.put(letter, &text)
            Self.put(stamp.month, &text, width: 2)
            Self.put(stamp.day, &text, width: 2)
            text.append(0x20)
            let micros = Int(written / 1000 % 86_400_000_000)
            Self.put(micros / 3_600_000_000, &text, width: 2)
            text.append(0x3A)
            Self.put(micros / 60_000_000 % 60, &text, width: 2)
            text.append(0x3A)
            Self.put(micros / 1_000_000 % 60, &text, width: 2)
            text.append(0x2E)
            Self.put(micros % 1_000_000, &text, width: 6)
            Self.put("    1234 ", &text)
            let file = pick(["kubelet.go:2481", "reconciler_common.go:245", "pod_workers.go:965", "operation_generator.go:722", "status_manager.go:851"])
            Self.put(file, &text)
            Self.put(
                "] \"\(pick(["SyncLoop (PLEG): event for pod", "MountVolume.SetUp succeeded for volume", "Pod status updated", "Observed pod startup duration"]))\" pod=\"\(pick(["shop", "kube-system", "monitoring"]))/\(pick(words))-",
                &text)
            hex(10, to: &text)
            Self.put("-\(pick(words).prefix(5))\" containerID=\"", &text)
            hex(24, to: &text)
            Self.put("\" duration=\"", &text)
            Self.put(below(5), &text)
            text.append(0x2E)
            Self.put(below(1_000_000), &text, width: 6)
            Self.put("s\"", &text)
            return Line(stream: 12 + below(2), time: time, severity: grade, body: text)
        }
        if roll < 985 {
            Self.put("time=", &text)
            stamp.appendRFC3339(to: &text, fractionDigits: 6)
            Self.put(" level=\(name) caller=\(pick(["ship.go", "queue.go", "db.go"])):", &text)
            Self.put(below(400), &text)
            Self.put(" msg=\"\(pick(messages))\" order=", &text)
            Self.put(700_000 + counter / 40, &text)
            Self.put(" customer=c-", &text)
            Self.put(below(40_000), &text)
            Self.put(" took=", &text)
            Self.put(below(300), &text)
            text.append(0x2E)
            Self.put(below(1000), &text, width: 3)
            Self.put("ms retries=\(below(3))", &text)
            return Line(stream: 14 + below(4), time: time, severity: severity, body: text)
        }
        stamp.appendRFC3339(to: &text, fractionDigits: 3)
        Self.put(" ERROR [worker-\(below(16))] com.example.billing.\(pick(["InvoiceService", "LedgerWriter", "TaxEngine"])) - cannot settle invoice ", &text)
        Self.put(below(1_000_000), &text)
        Self.put("\njava.lang.IllegalStateException: \(pick(["connection is closed", "lock wait timeout exceeded", "no such account"]))", &text)
        for _ in 0..<6 + below(10) {
            Self.put(
                "\n\tat com.example.\(pick(["billing", "ledger", "db", "http"])).\(pick(["Pool", "Session", "Handler", "Worker", "Filter"])).\(pick(["invoke", "run", "acquire", "handle", "doFilter"]))(\(pick(["Pool", "Session", "Handler"])).java:",
                &text)
            Self.put(20 + below(300), &text)
            text.append(0x29)
        }
        return Line(stream: 18 + below(2), time: time, severity: .error, body: text)
    }
}
