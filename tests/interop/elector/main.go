// Elector takes part in the election for one Lease with client-go's tools/leaderelection, and tells on standard output,
// in JSON lines, when it begins to lead, when it stops, and whenever it sees another leader.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig `file`")
	namespace := flag.String("namespace", "default", "namespace of the Lease")
	lease := flag.String("lease", "operator-lock", "name of the Lease")
	identity := flag.String("identity", os.Getenv("POD_NAME"), "who takes part")
	leaseDuration := flag.Duration("lease-duration", 15*time.Second, "how long others wait for a renewal")
	renewDeadline := flag.Duration("renew-deadline", 10*time.Second, "how long a leader tries to renew")
	retryPeriod := flag.Duration("retry-period", 2*time.Second, "time between attempts")
	releaseOnCancel := flag.Bool("release-on-cancel", true, "give the Lease back at SIGTERM")
	flag.Parse()

	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("identity", *identity)
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Error("cannot read the kubeconfig", "error", err)
		os.Exit(1)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()

	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: *namespace, Name: *lease},
			Client:     kubernetes.NewForConfigOrDie(config).CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: *identity},
		},
		Name:            *lease,
		LeaseDuration:   *leaseDuration,
		RenewDeadline:   *renewDeadline,
		RetryPeriod:     *retryPeriod,
		ReleaseOnCancel: *releaseOnCancel,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { log.Info("started leading") },
			OnStoppedLeading: func() { log.Info("stopped leading") },
			OnNewLeader:      func(leader string) { log.Info("new leader", "leader", leader) },
		},
	})
}
