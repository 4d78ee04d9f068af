import Telemetry

/// Times as Go's templates pass them on and lay them out: by an example of the moment 2006-01-02 15:04:05.
enum GoTime {
    private enum Part: CaseIterable {
        case longMonth, month, longDay, day, zeroMonth, year4, zeroDay, zeroHour12, zeroMinute, zeroSecond, year2, zoneColon, zonePlain, zoneZ, zoneName, hour24
        case halfUpper, halfLower, spaceDay, plainMonth, plainDay, hour12, plainMinute, plainSecond

        /// Longer examples before those that begin them.
        var example: String {
            switch self {
            case .longMonth: "January"
            case .month: "Jan"
            case .longDay: "Monday"
            case .day: "Mon"
            case .zeroMonth: "01"
            case .year4: "2006"
            case .zeroDay: "02"
            case .zeroHour12: "03"
            case .zeroMinute: "04"
            case .zeroSecond: "05"
            case .year2: "06"
            case .zoneColon: "-07:00"
            case .zonePlain: "-0700"
            case .zoneZ: "Z07:00"
            case .zoneName: "MST"
            case .hour24: "15"
            case .halfUpper: "PM"
            case .halfLower: "pm"
            case .spaceDay: "_2"
            case .plainMonth: "1"
            case .plainDay: "2"
            case .hour12: "3"
            case .plainMinute: "4"
            case .plainSecond: "5"
            }
        }
    }
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
    private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// As Go prints a time: `2006-01-02 15:04:05.999999999 +0000 UTC`.
    static func text(_ nanoseconds: Int64) -> String { format(nanoseconds, "2006-01-02 15:04:05.999999999 -0700 MST") }

    /// A time of `text`, or of RFC 3339.
    static func read(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        if words.count == 4, let time = CivilTime.parse("\(words[0])T\(words[1])\(words[2].prefix(3)):\(words[2].suffix(2))") {
            return time.nanosecondsSinceEpoch
        }
        return CivilTime.parse(text)?.nanosecondsSinceEpoch
    }

    /// A fraction in a layout: `.000` keeps zeros at the end, `.999` does not.
    private static func fraction(_ layout: Substring) -> (digits: Int, keepsZeros: Bool)? {
        guard let point = layout.first, point == "." || point == ",", let digit = layout.dropFirst().first, digit == "0" || digit == "9" else { return nil }
        let run = layout.dropFirst().prefix { $0 == digit }
        if let after = layout.dropFirst(1 + run.count).first, after.isNumber { return nil }
        return (run.count, digit == "0")
    }

    static func format(_ nanoseconds: Int64, _ layout: String) -> String {
        let time = CivilTime(nanosecondsSinceEpoch: nanoseconds)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let hour12 = time.hour % 12 == 0 ? 12 : time.hour % 12
        var rest = layout[...]
        var text = ""
        while !rest.isEmpty {
            if let (digits, keepsZeros) = fraction(rest) {
                var shown = String(String(1_000_000_000 + time.nanosecond).dropFirst().prefix(digits))
                if !keepsZeros { while shown.hasSuffix("0") { shown.removeLast() } }
                if !shown.isEmpty { text += "\(rest.first ?? ".")\(shown)" }
                rest = rest.dropFirst(1 + digits)
                continue
            }
            guard let part = Part.allCases.first(where: { rest.hasPrefix($0.example) }) else {
                text.append(rest.removeFirst())
                continue
            }
            rest = rest.dropFirst(part.example.count)
            switch part {
            case .longMonth: text += months[time.month - 1]
            case .month: text += months[time.month - 1].prefix(3)
            case .longDay: text += days[time.dayOfWeek]
            case .day: text += days[time.dayOfWeek].prefix(3)
            case .zeroMonth: text += two(time.month)
            case .year4: text += String(time.year)
            case .zeroDay: text += two(time.day)
            case .zeroHour12: text += two(hour12)
            case .zeroMinute: text += two(time.minute)
            case .zeroSecond: text += two(time.second)
            case .year2: text += two(time.year % 100)
            case .zoneColon: text += "+00:00"
            case .zonePlain: text += "+0000"
            case .zoneZ: text += "Z"
            case .zoneName: text += "UTC"
            case .hour24: text += two(time.hour)
            case .halfUpper: text += time.hour < 12 ? "AM" : "PM"
            case .halfLower: text += time.hour < 12 ? "am" : "pm"
            case .spaceDay: text += time.day < 10 ? " \(time.day)" : "\(time.day)"
            case .plainMonth: text += "\(time.month)"
            case .plainDay: text += "\(time.day)"
            case .hour12: text += "\(hour12)"
            case .plainMinute: text += "\(time.minute)"
            case .plainSecond: text += "\(time.second)"
            }
        }
        return text
    }

    /// Reads a time that is laid out so; nil if it is not. A text without a zone is of `zoneSeconds` east of Greenwich.
    static func parse(_ text: String, _ layout: String, zoneSeconds: Int = 0) -> Int64? {
        var time = CivilTime(secondsSinceEpoch: 0)
        (time.year, time.month, time.day) = (1, 1, 1)
        var zone = zoneSeconds
        var isAfternoon: Bool?
        var rest = text[...], layout = layout[...]
        func number(_ width: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix(width.upperBound).prefix { $0.isASCII && $0.isNumber }
            guard width.contains(digits.count) else { return nil }
            rest = rest.dropFirst(digits.count)
            return Int(digits)
        }
        func name(_ names: [String], _ length: Int?) -> Int? {
            for (index, name) in names.enumerated() {
                let shown = length.map { String(name.prefix($0)) } ?? name
                guard rest.lowercased().hasPrefix(shown.lowercased()) else { continue }
                rest = rest.dropFirst(shown.count)
                return index
            }
            return nil
        }
        while !layout.isEmpty {
            if let (digits, _) = fraction(layout) {
                layout = layout.dropFirst(1 + digits)
                guard let point = rest.first, point == "." || point == "," else { continue }
                rest.removeFirst()
                let shown = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest.dropFirst(shown.count)
                guard let value = Int((shown + "000000000").prefix(9)) else { return nil }
                time.nanosecond = value
                continue
            }
            guard let part = Part.allCases.first(where: { layout.hasPrefix($0.example) }) else {
                guard rest.first == layout.removeFirst() else { return nil }
                rest.removeFirst()
                continue
            }
            layout = layout.dropFirst(part.example.count)
            switch part {
            case .longMonth, .month:
                guard let index = name(months, part == .month ? 3 : nil) else { return nil }
                time.month = index + 1
            case .longDay, .day: guard name(days, part == .day ? 3 : nil) != nil else { return nil }
            case .year4:
                guard let value = number(4...4) else { return nil }
                time.year = value
            case .year2:
                guard let value = number(2...2) else { return nil }
                time.year = value < 69 ? 2000 + value : 1900 + value
            case .zeroMonth, .plainMonth:
                guard let value = number((part == .zeroMonth ? 2 : 1)...2), (1...12).contains(value) else { return nil }
                time.month = value
            case .zeroDay, .plainDay, .spaceDay:
                if part == .spaceDay, rest.first == " " { rest.removeFirst() }
                guard let value = number((part == .zeroDay ? 2 : 1)...2), (1...31).contains(value) else { return nil }
                time.day = value
            case .hour24, .zeroHour12, .hour12:
                guard let value = number((part == .hour12 ? 1 : 2)...2), value < 24 else { return nil }
                time.hour = value
            case .zeroMinute, .plainMinute:
                guard let value = number((part == .zeroMinute ? 2 : 1)...2), value < 60 else { return nil }
                time.minute = value
            case .zeroSecond, .plainSecond:
                guard let value = number((part == .zeroSecond ? 2 : 1)...2), value < 60 else { return nil }
                time.second = value
                // A fraction may stand in the text though the layout has none.
                if fraction(layout) == nil, rest.first == "." {
                    rest.removeFirst()
                    let shown = rest.prefix { $0.isASCII && $0.isNumber }
                    rest = rest.dropFirst(shown.count)
                    time.nanosecond = Int((shown + "000000000").prefix(9)) ?? 0
                }
            case .halfUpper, .halfLower:
                let half = rest.prefix(2).lowercased()
                guard half == "am" || half == "pm" else { return nil }
                isAfternoon = half == "pm"
                rest = rest.dropFirst(2)
            case .zoneName:
                let shown = rest.prefix { $0.isASCII && $0.isUppercase }
                guard shown == "UTC" || shown == "GMT" else { return nil }
                rest = rest.dropFirst(shown.count)
                zone = 0
            case .zoneColon, .zonePlain, .zoneZ:
                if part == .zoneZ, rest.first == "Z" {
                    rest.removeFirst()
                    zone = 0
                    continue
                }
                guard let sign = rest.first, sign == "+" || sign == "-" else { return nil }
                rest.removeFirst()
                guard let hours = number(2...2) else { return nil }
                if part != .zonePlain {
                    guard rest.first == ":" else { return nil }
                    rest.removeFirst()
                }
                guard let minutes = number(2...2) else { return nil }
                zone = (hours * 60 + minutes) * (sign == "-" ? -60 : 60)
            }
        }
        guard rest.isEmpty else { return nil }
        if let isAfternoon { time.hour = time.hour % 12 + (isAfternoon ? 12 : 0) }
        let (seconds, overflow) = (time.secondsSinceEpoch - Int64(zone)).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : seconds + Int64(time.nanosecond)
    }
}
