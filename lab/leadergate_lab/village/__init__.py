"""A small cluster in which the objects of an installation really run.

etcd, kube-apiserver and kube-controller-manager are real; a small node of ours stands in for scheduler, kubelet,
kube-proxy and DNS, and runs Pods as processes. All of it is in a network namespace of its own, so that every Pod and
every Service has an address. What calls it stays outside, pytest, kubectl and Helm alike: a relay leads from 127.0.0.1
into it. ::

    from leadergate_lab.village.images import leadergate
    from leadergate_lab.village.village import Village

    with Village.start(ensure(), folder, leadergate()) as village:
        village.cluster.apply(Path("deployment.yaml"))     # leadergate_lab.cluster.Cluster, a member of system:masters
        village.wait_rollout("leadergate-system", "leadergate")
        Helm(binary(), home, village.admin_kubeconfig).run("install", …)
        village.gate.get("http://10.244.1.1:8080/readyz")  # GET from any address inside
        village.node.pods("leadergate-system")             # output and exit codes of Pods, also of those that are gone
        subprocess.run([*village.gate.prefix, "leadergate", "doctor", …])   # a command inside
        village.audit_log                                  # the API server's, JSON lines

An image is an entry in a table (``images.py``): the command that stands for its ENTRYPOINT, and how it is made to
listen on its Pod's own address, since Pods share the machine's ports. Each container has a mount namespace of its own
with its volumes, the user, rights and read-only root that its Pod asks for, and the real token of its service account.

Not in force: where a Pod may run, requests and limits, NetworkPolicies, seccomp. Not known: probes other than httpGet
and tcpSocket, hooks other than ``preStop.sleep``, ``envFrom``, volumes of other kinds than those of ``podspec.py``; a
Pod that has what the node does not know ends ``Failed``, and its status says why. Volumes are as they were when the Pod
started, tokens included. ``kubectl logs`` works, ``kubectl exec`` does not. Pods that crash are started again sooner
than a kubelet would. All Pods see the machine's files and processes, and loopback is one for all of them.

It runs on Linux, as root; without root in a user namespace, where that is permitted, and then ``runAsUser`` has no
effect. Folders of a user that are closed to others, such as a home that holds the interpreter, are opened to a
container's user by a mount that shows the interpreter and the checkout, and nothing else of the folder.
"""
