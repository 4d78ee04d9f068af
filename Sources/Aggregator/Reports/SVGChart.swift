import Telemetry

/// A chart as inline SVG: lines by time, a scale at the left, a legend below. Colours come from the page's style.
enum SVGChart {
    private static let width = 920.0
    private static let height = 220.0
    private static let left = 64.0
    private static let right = 12.0
    private static let top = 10.0
    private static let bottom = 26.0

    static func render(_ chart: Report.Chart, from: Timestamp, through: Timestamp) -> String {
        let known = chart.series.filter { $0.points.contains { $0.value.isFinite } }
        guard !known.isEmpty else {
            return "<figure><figcaption>\(HTMLText.escape(chart.title))</figcaption><p class=\"muted\">Nothing was measured.</p></figure>\n"
        }
        let high = niceCeiling(known.flatMap(\.points).map(\.value).filter(\.isFinite).max() ?? 1, chart.unit)
        var svg = "<figure><figcaption>\(HTMLText.escape(chart.title))</figcaption>\n"
        svg += "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(HTMLText.escape(label(chart, known)))\">\n"
        svg += grid(high, chart.unit) + times(from, through)
        for (position, series) in known.enumerated() {
            svg += "<path class=\"line c\(position % 8 + 1)\" d=\"\(path(series, chart.gap, from, through, high))\"/>\n"
        }
        svg += "</svg>\n<ul class=\"legend\">"
        for (position, series) in known.enumerated() {
            let last = series.points.last { $0.value.isFinite }?.value ?? 0
            svg += "<li><span class=\"swatch s\(position % 8 + 1)\"></span>\(HTMLText.escape(series.name)) <b>\(ReportNumber.text(last, chart.unit))</b></li>"
        }
        return svg + "</ul></figure>\n"
    }

    /// What the picture shows, for who cannot see it.
    private static func label(_ chart: Report.Chart, _ series: [Report.Chart.Series]) -> String {
        let highest = series.max { ($0.points.map(\.value).max() ?? 0) < ($1.points.map(\.value).max() ?? 0) }
        let value = highest?.points.map(\.value).max() ?? 0
        return "\(chart.title), \(series.count) series, highest \(highest?.name ?? "") \(ReportNumber.text(value, chart.unit))"
    }

    /// The scale starts at zero and ends at a round number of the unit.
    private static func niceCeiling(_ value: Double, _ unit: Report.Unit) -> Double {
        guard value > 0 else { return 1 }
        // Whole things are counted on a scale of whole numbers, and the line keeps off the upper edge.
        if unit == .count { return value < 4 ? value.rounded(.up) + 1 : ((value + 1) / 4).rounded(.up) * 4 }
        let base = unit == .bytes ? 1024.0 : 1000.0
        var scale = 1.0
        while value / scale >= base { scale *= base }
        while value / scale < 1 { scale /= 10 }
        let share = value / scale
        // Divisible by four, so that the grid's labels are round as well.
        let steps = [1.0, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 60, 80, 100, 120, 160, 200, 240, 320, 400, 600, 800, 1024]
        return (steps.first { $0 >= share } ?? base) * scale
    }

    private static func y(_ value: Double, _ high: Double) -> Double { top + (height - top - bottom) * (1 - value / high) }

    private static func x(_ time: Int64, _ from: Timestamp, _ through: Timestamp) -> Double {
        let span = Double(max(1, through.milliseconds - from.milliseconds))
        return left + (width - left - right) * Double(time - from.milliseconds) / span
    }

    private static func grid(_ high: Double, _ unit: Report.Unit) -> String {
        // Whole things have no quarters.
        let parts = unit == .count && high <= 4 ? max(1, Int(high.rounded(.up))) : 4
        return (0...parts).map { part in
            let value = high * Double(part) / Double(parts)
            let line = number(y(value, high))
            return "<line class=\"grid\" x1=\"\(Int(left))\" x2=\"\(Int(width - right))\" y1=\"\(line)\" y2=\"\(line)\"/>"
                + "<text class=\"tick\" x=\"\(Int(left) - 8)\" y=\"\(number(y(value, high) + 4))\" text-anchor=\"end\">\(tick(value, unit))</text>\n"
        }.joined()
    }

    /// The legend and the title name the unit; a scale of cores has only numbers.
    private static func tick(_ value: Double, _ unit: Report.Unit) -> String {
        unit == .cores ? ReportNumber.fixed(value, value < 0.1 && value > 0 ? 4 : 2) : ReportNumber.text(value, unit)
    }

    private static func times(_ from: Timestamp, _ through: Timestamp) -> String {
        let span = through.milliseconds - from.milliseconds
        let steps: [Int64] = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800].map { $0 * 1000 }
        let step = steps.first { span / $0 <= 8 } ?? span
        var text = ""
        var time = (from.milliseconds / step + 1) * step
        while time < through.milliseconds {
            let civil = CivilTime(Timestamp(milliseconds: time))
            let full = civil.rfc3339()
            let shown = step >= 86_400_000 ? full.dropFirst(5).prefix(5) : step < 60_000 ? full.dropFirst(11).prefix(8) : full.dropFirst(11).prefix(5)
            text += "<text class=\"tick\" x=\"\(number(x(time, from, through)))\" y=\"\(Int(height) - 8)\" text-anchor=\"middle\">\(shown)</text>\n"
            time += step
        }
        return text
    }

    private static func path(_ series: Report.Chart.Series, _ gap: Int64, _ from: Timestamp, _ through: Timestamp, _ high: Double) -> String {
        var path = ""
        var last: Int64?
        for point in series.points where point.value.isFinite {
            let joins = last.map { point.time - $0 <= gap } ?? false
            path += (joins ? "L" : "M") + number(x(point.time, from, through)) + " " + number(y(max(0, point.value), high))
            last = point.time
        }
        return path
    }

    private static func number(_ value: Double) -> String { ReportNumber.fixed(value, 1) }
}
