import HTTP
import PromQL
import Runtime
import Telemetry

/// `/federate`: the newest sample of each series that is asked for, as a scrape shows it.
extension PrometheusAPI {
    func registerFederation(on router: inout HTTPRouter) {
        router.on("GET", "/federate") { request, _ in
            do throws(QueryError) {
                let text = try await federation(request)
                return HTTPResponse(fields: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: .bytes(text))
            } catch {
                return .text("\(error.message)\n", status: error.kind.status)
            }
        }
    }

    private func federation(_ request: HTTPRequest) async throws(QueryError) -> [UInt8] {
        let now = clock.now
        let lookback = options.engine.lookback
        var newest: [Labels: (time: Int64, value: Double)] = [:]
        var warnings: Set<String> = []
        for matchers in try selectors(request, isRequired: true) {
            var read = SampleRequest(matchers: matchers, from: now - lookback + .milliseconds(1), through: now)
            read.maximumSamples = options.engine.maximumSamples
            let wanted = read
            let answer = try await reading { () async throws in try await source.read(wanted) }
            warnings.formUnion(answer.warnings)
            for block in answer.blocks {
                // A block may reach further than it was asked to.
                guard let last = block.timestamps.lastIndex(where: { $0 <= now.milliseconds }) else { continue }
                for (labels, column) in zip(block.labels, block.columns) {
                    guard let index = column[...last].lastIndex(where: { !$0.isAbsent }), !column[index].isStale,
                        block.timestamps[index] > (now - lookback).milliseconds
                    else { continue }
                    newest[labels] = (block.timestamps[index], column[index])
                }
            }
        }
        var text: [UInt8] = []
        // A scraper skips comments; a person who looks why something is missing does not.
        for warning in warnings.sorted() { text += "# WARNING: \(warning.replacing("\n", with: " "))\n".utf8 }
        var name = ""
        for (labels, sample) in newest.sorted(by: { ($0.key.name, $0.key) < ($1.key.name, $1.key) }) {
            // Without a name no scraper can take it.
            guard !labels.name.isEmpty else { continue }
            if labels.name != name {
                name = labels.name
                text += "# TYPE \(Self.isPlain(name) ? name : "\"\(name.escapedForLabel)\"") untyped\n".utf8
            }
            Self.write(labels, adding: options.externalLabels, to: &text)
            text.append(UInt8(ascii: " "))
            NumberText.write(sample.value, to: &text)
            text += " \(sample.time)\n".utf8
        }
        return text
    }

    /// `name{a="b"}`, with the external labels that the series lacks and at least an empty `instance`, so that the
    /// scraper does not put its own in place.
    private static func write(_ labels: Labels, adding external: [String: String], to text: inout [UInt8]) {
        var pairs = labels.list.filter { $0.name != Labels.metricName }.map { (name: $0.name, value: $0.value) }
        for (name, value) in external.sorted(by: { $0.key < $1.key }) where labels[name].isEmpty { pairs.append((name, value)) }
        if !pairs.contains(where: { $0.name == "instance" }) { pairs.append(("instance", "")) }
        let isPlainName = isPlain(labels.name)
        if isPlainName { text += labels.name.utf8 }
        text.append(UInt8(ascii: "{"))
        if !isPlainName { text += "\"\(labels.name.escapedForLabel)\",".utf8 }
        for (position, pair) in pairs.enumerated() {
            if position > 0 { text.append(UInt8(ascii: ",")) }
            text += (isPlain(pair.name) ? pair.name : "\"\(pair.name.escapedForLabel)\"").utf8
            text += "=\"\(pair.value.escapedForLabel)\"".utf8
        }
        text.append(UInt8(ascii: "}"))
    }

    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { (97...122).contains($0 | 0x20) && $0 < 128 || (48...58).contains($0) || $0 == 95 }
    }
}
