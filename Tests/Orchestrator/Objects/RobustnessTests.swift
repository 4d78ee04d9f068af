import JSON
import Objects
import Testing

/// Whatever a client sends, the answer is an error or an object, never a trap.
@Suite struct RobustnessTests {
    private static let odd: [JSON] = [
        nil, true, 0, -1, 1, 2_147_483_647, 9_223_372_036_854_775_807, 1.5, "", "x", "100%", "-5%", "999999999999999999%", "1Gi", "-1", "1e999",
        "2026-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z", [], [nil], ["x"], [[:]], [:], ["x": nil], ["x": "y"], ["name": "c"], "None", "é", "\u{0}", "::1", "a/b/c", "app in (a",
    ]

    /// Every place in the document gets something else in turn.
    private static func variants(of value: JSON, _ body: (JSON) -> Void) {
        for odd in odd { body(odd) }
        switch value {
        case .object(let members):
            for (key, member) in members {
                variants(of: member) { changed in
                    var copy = members
                    copy[key] = changed
                    body(.object(copy))
                }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                variants(of: element) { changed in
                    var copy = elements
                    copy[index] = changed
                    body(.array(copy))
                }
            }
        default: break
        }
    }

    @Test(arguments: [
        (
            "Pod", "v1",
            #"{"metadata":{"name":"web","labels":{"a":"b"},"ownerReferences":[{"kind":"x","name":"y","uid":"z","apiVersion":"v1"}]},"spec":{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}],"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],"resources":{"limits":{"cpu":"1"}},"livenessProbe":{"httpGet":{"port":80}},"volumeMounts":[{"name":"v","mountPath":"/v"}]}],"volumes":[{"name":"v","configMap":{"name":"m","items":[{"key":"k","path":"p"}]}}],"tolerations":[{"key":"a"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"Gt","values":["1"]}]}]}}}},"status":{"conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"c","restartCount":1,"state":{"terminated":{"exitCode":1}}}]}}"#
        ),
        (
            "Deployment", "apps/v1",
            #"{"metadata":{"name":"web"},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]},"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"x"}]}}}}"#
        ),
        (
            "Service", "v1",
            #"{"metadata":{"name":"web"},"spec":{"type":"NodePort","ports":[{"port":80,"targetPort":"http","nodePort":30080}],"selector":{"app":"web"},"clusterIP":"10.0.0.1","externalIPs":["1.2.3.4"]},"status":{"loadBalancer":{"ingress":[{"ip":"1.1.1.1"}]}}}"#
        ),
        (
            "Node", "v1",
            #"{"metadata":{"name":"n"},"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]},"status":{"capacity":{"cpu":"4"},"addresses":[{"type":"InternalIP","address":"x"}],"conditions":[{"type":"Ready","status":"True"}]}}"#
        ),
        (
            "Event", "v1",
            #"{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","namespace":"default"},"series":{"count":2,"lastObservedTime":"2026-01-01T00:00:00.000000Z"},"count":3,"source":{"component":"x"},"message":"y\n"}"#
        ),
        ("Secret", "v1", #"{"metadata":{"name":"s"},"data":{"a":"Zg=="},"stringData":{"b":"c"},"type":"Opaque"}"#),
        ("Endpoints", "v1", #"{"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"1.1.1.1"}],"ports":[{"port":80}]}]}"#),
        (
            "Job", "batch/v1",
            #"{"metadata":{"name":"j"},"spec":{"completions":1,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"x"}]}}},"status":{"startTime":"2026-01-01T00:00:00Z"}}"#
        ),
    ])
    func `odd values in every place`(name: String, version: String, text: String) throws {
        let kind = try kind(name, version)
        let good = try json(text)
        let stored = try kind.created(good)
        #expect(kind.validate(stored).isEmpty, "\(kind.validate(stored))")
        var refused = 0
        var accepted = 0
        Self.variants(of: good) { object in
            _ = kind.cells(object, now: 1_764_000_000)
            _ = kind.selectableFields(object)
            guard let decoded = try? kind.decode(object).object else {
                refused += 1
                return
            }
            accepted += 1
            let created = kind.defaulted(kind.prepareForCreate(decoded, namespace: "default", uid: "u", now: 0, nameSuffix: "abcde"))
            _ = kind.validate(created)
            _ = kind.cells(created, now: 0)
            let updated = kind.prepareForUpdate(decoded, replacing: stored)
            _ = kind.validate(updated, replacing: stored)
            _ = try? kind.strategicMerge(object, into: stored)
            #expect(kind.defaulted(created) == created)
        }
        #expect(refused > 50 && accepted > 50)
    }
}
