// An operator on client-go alone: an informer, a work queue, and an election in the name of its Pod. Every replica
// reconciles.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig `file`")
	namespace := flag.String("namespace", "default", "namespace to watch, and of the Lease")
	leaseDuration := flag.Duration("lease-duration", 15*time.Second, "how long others wait for a renewal")
	renewDeadline := flag.Duration("renew-deadline", 10*time.Second, "how long a leader tries to renew")
	retryPeriod := flag.Duration("retry-period", 2*time.Second, "time between attempts at the Lease")
	workers := flag.Int("workers", 2, "how many Redirects are reconciled at once")
	skipObserved := flag.Bool("skip-observed", false, "leave a status alone that speaks of the generation")
	retryPause := flag.Duration("retry-pause", 0, "pause before each retry, in place of one that grows")
	qps := flag.Float64("kube-api-qps", 50, "requests a second to the API server")
	burst := flag.Int("kube-api-burst", 100, "requests at once to the API server")
	klog.InitFlags(nil)
	flag.Parse()

	pod := os.Getenv("POD_NAME")
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		klog.ErrorS(err, "Cannot read the kubeconfig")
		os.Exit(1)
	}
	config.QPS, config.Burst = float32(*qps), *burst
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()

	client := dynamic.NewForConfigOrDie(config)
	informers := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, *namespace, nil)
	informer := informers.ForResource(redirects).Informer()
	retries := workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]()
	if *retryPause > 0 {
		retries = workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](*retryPause, *retryPause)
	}
	go newController(client, informer, pod, *skipObserved, retries).run(ctx, *workers)

	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: *namespace, Name: "redirect-controller"},
			Client:     kubernetes.NewForConfigOrDie(config).CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: pod},
		},
		Name:            "redirect-controller",
		LeaseDuration:   *leaseDuration,
		RenewDeadline:   *renewDeadline,
		RetryPeriod:     *retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { klog.InfoS("Started leading", "pod", pod) },
			OnStoppedLeading: func() {
				klog.InfoS("Stopped leading", "pod", pod)
				klog.FlushAndExit(klog.ExitFlushTimeout, 0)
			},
			OnNewLeader: func(leader string) { klog.InfoS("New leader", "leader", leader) },
		},
	})
}
