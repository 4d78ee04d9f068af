/// A row of the table in issue 5.
struct BenchQuery: Sendable {
    var name: String
    /// Below `/api/v1/`.
    var path: String
    var query: String
    /// Of a range, which ends where the data does.
    var hours = 6
    var step = 60

    static let all = [
        BenchQuery(name: "instant selector", path: "query", query: "container_memory_working_set_bytes{pod=\"web-7-7d9f8b6c5d-x2x7\"}"),
        BenchQuery(
            name: "rate of one series", path: "query_range", query: "rate(container_cpu_usage_seconds_total{pod=\"web-7-7d9f8b6c5d-x2x7\"}[5m])"),
        BenchQuery(
            name: "sum by (namespace) (rate)", path: "query_range", query: "sum by (namespace) (rate(container_cpu_usage_seconds_total[5m]))"),
        BenchQuery(name: "topk(10)", path: "query_range", query: "topk(10, rate(container_cpu_usage_seconds_total[5m]))"),
        BenchQuery(
            name: "histogram_quantile", path: "query_range",
            query: "histogram_quantile(0.99, sum by (le, namespace) (rate(http_request_duration_seconds_bucket[5m])))"),
        BenchQuery(name: "quantile_over_time", path: "query_range", query: "quantile_over_time(0.9, container_memory_working_set_bytes[1h])"),
        BenchQuery(name: "max_over_time 1h", path: "query_range", query: "max_over_time(container_memory_working_set_bytes[1h])"),
        BenchQuery(name: "count of all series", path: "query_range", query: "count({__name__=~\".+\"})"),
        BenchQuery(
            name: "regular expression and rate", path: "query_range",
            query: "sum(rate(container_cpu_usage_seconds_total{pod=~\"web-1.*\"}[5m]))"),
        BenchQuery(
            name: "join with group_left", path: "query_range",
            query: "sum by (host_ip) (rate(container_cpu_usage_seconds_total[5m]) * on (namespace, pod) group_left (host_ip) kube_pod_info)"),
        BenchQuery(name: "/series", path: "series", query: "container_memory_working_set_bytes"),
    ]

    /// For data that reaches back a month.
    static let month = [
        BenchQuery(
            name: "30 days at 1 h: sum(rate)", path: "query_range", query: "sum by (namespace) (rate(container_cpu_usage_seconds_total[1h]))",
            hours: 720, step: 3600),
        BenchQuery(
            name: "30 days at 1 h: max_over_time", path: "query_range", query: "max_over_time(container_memory_working_set_bytes[1h])", hours: 720,
            step: 3600),
        BenchQuery(name: "30 days at 1 h: avg", path: "query_range", query: "avg by (namespace) (container_memory_working_set_bytes)", hours: 720, step: 3600),
    ]

    /// `end` is in seconds since 1970.
    func parameters(end: Int64) -> [(name: String, value: String)] {
        switch path {
        case "query": [("query", query), ("time", "\(end)")]
        case "query_range": [("query", query), ("start", "\(end - Int64(hours) * 3600)"), ("end", "\(end)"), ("step", "\(step)")]
        default: [("match[]", query), ("start", "\(end - Int64(hours) * 3600)"), ("end", "\(end)")]
        }
    }
}
